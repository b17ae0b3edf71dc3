import type { FileSystem } from '@clicklake/durable-files';
import { sortPlaced, type SortBuffers, type SortedEntries } from './entry-sort.ts';
import type { Memtable } from './memtable.ts';
import { closeRun, removeRun, type Run } from './run.ts';
import { comparePacked, packedWords, receivedAtOf } from './packed-entry.ts';
import { createRunWriter, type RunWriter } from './run-writer.ts';

/**
 * Writes the memtable as one durable run per time bucket it touches (nearly always one), and leaves the
 * memtable as it is. All or nothing: after a failure (a full disk) no file remains.
 */
export async function writeMemtable(
  files: FileSystem,
  directory: string,
  table: Memtable,
  bucketMs: number,
  buffers: SortBuffers,
): Promise<Run[]> {
  if (table.size === 0) return [];
  const sorted = sortMemtable(table, buffers);
  const buckets = groupByBucket(table, sorted, bucketMs, buffers.selected);
  const runs: Run[] = [];
  try {
    for (const bucket of buckets) {
      const run = await writeBucket(files, directory, table, bucket);
      if (run !== undefined) runs.push(run);
    }
    await files.syncDirectory(directory);
  } catch (error) {
    for (const run of runs) {
      await closeRun(run);
      await removeRun(files, directory, run.description.name).catch(() => undefined);
    }
    throw error;
  }
  return runs;
}

interface Bucket {
  readonly start: number;
  /** Rows of the memtable in the order of a run. */
  readonly rows: Uint32Array;
}

function sortMemtable(table: Memtable, buffers: SortBuffers): SortedEntries {
  const { entries, size } = table;
  for (let row = 0; row < size; row += 1) {
    buffers.keys[row] = entries[row * packedWords] ?? 0;
    buffers.order[row] = row;
  }
  return sortPlaced(buffers, size, (a, b) =>
    comparePacked(entries, a * packedWords, entries, b * packedWords),
  );
}

/** A counting sort by bucket, stable, so that each bucket's rows stay in order. */
function groupByBucket(
  table: Memtable,
  sorted: SortedEntries,
  bucketMs: number,
  place: Uint32Array,
): Bucket[] {
  const startOf = (row: number): number =>
    Math.floor(receivedAtOf(table.entries, row * packedWords) / bucketMs) * bucketMs;
  const sizes = bucketSizes(table, bucketMs);
  if (sizes.size === 1) {
    return [...sizes.keys()].map((start) => ({ start, rows: sorted.order.subarray(0, sorted.count) }));
  }
  const next = new Map<number, number>();
  const buckets: Bucket[] = [];
  let from = 0;
  for (const [start, size] of [...sizes].sort(([a], [b]) => a - b)) {
    next.set(start, from);
    buckets.push({ start, rows: place.subarray(from, from + size) });
    from += size;
  }
  for (let i = 0; i < sorted.count; i += 1) {
    const row = sorted.order[i] ?? 0;
    const start = startOf(row);
    const to = next.get(start) ?? 0;
    place[to] = row;
    next.set(start, to + 1);
  }
  return buckets;
}

/** Entries per start of bucket. Neighbours in arrival nearly always share theirs. */
function bucketSizes(table: Memtable, bucketMs: number): Map<number, number> {
  const sizes = new Map<number, number>();
  let start = 0;
  let size = 0;
  for (let row = 0; row < table.size; row += 1) {
    const receivedAt = receivedAtOf(table.entries, row * packedWords);
    if (receivedAt < start || receivedAt >= start + bucketMs || size === 0) {
      if (size > 0) sizes.set(start, (sizes.get(start) ?? 0) + size);
      start = Math.floor(receivedAt / bucketMs) * bucketMs;
      size = 0;
    }
    size += 1;
  }
  return sizes.set(start, (sizes.get(start) ?? 0) + size);
}

async function writeBucket(
  files: FileSystem,
  directory: string,
  table: Memtable,
  bucket: Bucket,
): Promise<Run | undefined> {
  const writer = await createRunWriter(files, directory, bucket.start, bucket.rows.length);
  try {
    for (let next = 0; next < bucket.rows.length;) {
      next = appendUntilFull(writer, table.entries, bucket.rows, next);
      await writer.drain();
    }
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Returns the first row that found no room. Not inside the async loop: that runs several times slower. */
function appendUntilFull(writer: RunWriter, entries: Uint32Array, rows: Uint32Array, from: number): number {
  let next = from;
  while (next < rows.length && !writer.isFull()) {
    writer.append(entries, (rows[next] ?? 0) * packedWords);
    next += 1;
  }
  return next;
}

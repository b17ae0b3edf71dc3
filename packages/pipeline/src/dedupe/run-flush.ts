import type { FileSystem } from '@clicklake/durable-files';
import type { SortBuffers, SortedEntries } from './entry-sort.ts';
import { hashRanges, sortPlaced } from './entry-sort.ts';
import type { Memtable } from './memtable.ts';
import { closeRun, removeRun, type Run } from './run.ts';
import { createRunWriter, type RunEntry } from './run-writer.ts';

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
  const [placed] = hashRanges(table, table.size, buffers);
  if (placed === undefined || table.size === 0) return [];
  const sorted = sortPlaced(table, placed.buffers, placed.count);
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
      await removeRun(files, directory, run.description.name);
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

/** A counting sort by bucket, stable, so that each bucket's rows stay in order. */
function groupByBucket(
  table: Memtable,
  sorted: SortedEntries,
  bucketMs: number,
  place: Uint32Array,
): Bucket[] {
  const startOf = (row: number): number => Math.floor((table.receivedAt[row] ?? 0) / bucketMs) * bucketMs;
  const sizes = new Map<number, number>();
  for (let i = 0; i < sorted.count; i += 1) {
    const start = startOf(sorted.order[i] ?? 0);
    sizes.set(start, (sizes.get(start) ?? 0) + 1);
  }
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

async function writeBucket(
  files: FileSystem,
  directory: string,
  table: Memtable,
  bucket: Bucket,
): Promise<Run | undefined> {
  const writer = await createRunWriter(files, directory, bucket.start, bucket.rows.length);
  const entry: RunEntry = { hash0: 0, hash1: 0, hash2: 0, hash3: 0, receivedAt: 0, partition: 0, offset: 0 };
  try {
    for (const row of bucket.rows) {
      if (writer.isFull()) await writer.drain();
      entry.hash0 = table.hashes[4 * row] ?? 0;
      entry.hash1 = table.hashes[4 * row + 1] ?? 0;
      entry.hash2 = table.hashes[4 * row + 2] ?? 0;
      entry.hash3 = table.hashes[4 * row + 3] ?? 0;
      entry.receivedAt = table.receivedAt[row] ?? 0;
      entry.partition = table.partitions[row] ?? 0;
      entry.offset = table.offsets[row] ?? 0;
      writer.append(entry);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

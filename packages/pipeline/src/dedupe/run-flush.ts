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
  const buckets = groupByBucket(table, sorted, bucketMs, buffers);
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
  { selected: place, keys: free }: SortBuffers,
): Bucket[] {
  const { starts, sizes, bucketOf } = bucketsOfRows(table, bucketMs, free);
  const [only] = starts;
  if (only !== undefined && starts.length === 1)
    return [{ start: only, rows: sorted.order.subarray(0, sorted.count) }];
  const next = new Uint32Array(starts.length);
  for (let bucket = 1; bucket < starts.length; bucket += 1)
    next[bucket] = (next[bucket - 1] ?? 0) + (sizes[bucket - 1] ?? 0);
  const buckets = starts.map((start, bucket) => {
    const from = next[bucket] ?? 0;
    return { start, rows: place.subarray(from, from + (sizes[bucket] ?? 0)) };
  });
  for (let i = 0; i < sorted.count; i += 1) {
    const row = sorted.order[i] ?? 0;
    const bucket = bucketOf[row] ?? 0;
    const to = next[bucket] ?? 0;
    place[to] = row;
    next[bucket] = to + 1;
  }
  return buckets.sort((a, b) => a.start - b.start);
}

interface RowBuckets {
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  /** Index of each row's bucket. */
  readonly bucketOf: Uint32Array;
}

/** Looked up in order of arrival: neighbours nearly always share their bucket, and the entries are read in order. */
function bucketsOfRows({ entries, size }: Memtable, bucketMs: number, bucketOf: Uint32Array): RowBuckets {
  const indexes = new Map<number, number>();
  const starts: number[] = [];
  const sizes: number[] = [];
  let start = Number.NaN;
  let bucket = -1;
  for (let row = 0; row < size; row += 1) {
    const receivedAt = receivedAtOf(entries, row * packedWords);
    if (!(receivedAt >= start && receivedAt < start + bucketMs)) {
      start = Math.floor(receivedAt / bucketMs) * bucketMs;
      bucket = indexes.get(start) ?? starts.length;
      if (bucket === starts.length) {
        indexes.set(start, bucket);
        starts.push(start);
        sizes.push(0);
      }
    }
    bucketOf[row] = bucket;
    sizes[bucket] = (sizes[bucket] ?? 0) + 1;
  }
  return { starts, sizes, bucketOf };
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

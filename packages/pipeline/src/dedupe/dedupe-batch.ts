import { DedupeError } from './dedupe-error.ts';

/** Records to judge or to remember: columnar, `count` rows, in any order. */
export interface DedupeBatch {
  readonly count: number;
  /** Four words a row: row i's 128-bit hash of event_id is `hashes[4i..4i+3]`. Uniform in every bit. */
  readonly hashes: Uint32Array;
  /** Whole milliseconds since 1970. */
  readonly receivedAt: Float64Array;
  /** Log partitions, 0..65535. */
  readonly partitions: Int32Array;
  /** Log offsets, below 2^48. */
  readonly offsets: Float64Array;
}

/** What `check` found, row for row of the batch. */
export interface Verdicts {
  /** 1 = duplicate. */
  readonly duplicate: Uint8Array;
  /** For a duplicate, the coordinates of the event that stays; 0 elsewhere. */
  readonly first: { readonly partition: Int32Array; readonly offset: Float64Array };
}

/** Offsets take 48 bits on disk, partitions 16. */
export const offsetLimit = 2 ** 48;
export const partitionLimit = 2 ** 16;
const timeLimit = 2 ** 53;

/** @throws DedupeError `dedupe-batch-invalid` when a row does not fit an entry. */
export function validateBatch(batch: DedupeBatch): void {
  const { count, hashes, receivedAt, partitions, offsets } = batch;
  if (
    hashes.length < 4 * count ||
    receivedAt.length < count ||
    partitions.length < count ||
    offsets.length < count
  ) {
    throw invalid(`a column is shorter than the batch's ${count} rows`);
  }
  for (let row = 0; row < count; row += 1) {
    const offset = offsets[row] ?? 0;
    const partition = partitions[row] ?? 0;
    if (!(offset >= 0 && offset < offsetLimit)) throw invalid(`row ${row} has the offset ${offset}`);
    if (!(partition >= 0 && partition < partitionLimit)) {
      throw invalid(`row ${row} has the partition ${partition}`);
    }
    const received = receivedAt[row] ?? 0;
    if (!(received >= 0 && received < timeLimit && Math.floor(received) === received)) {
      throw invalid(`row ${row} has the received_at ${received}, no whole milliseconds since 1970`);
    }
  }
}

function invalid(reason: string): DedupeError {
  return new DedupeError({
    code: 'dedupe-batch-invalid',
    message: `The deduplication index cannot take this batch: ${reason}.`,
    hint: 'This is a defect of the caller; please report it with the message.',
  });
}

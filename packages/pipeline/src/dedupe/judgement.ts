import type { DedupeBatch, Verdicts } from './dedupe-batch.ts';
import { sameCoordinates, sameHash } from './batch-order.ts';
import type { SortedEntries } from './entry-sort.ts';
import { entryAt, findSlot, nextSlot, type Memtable } from './memtable.ts';
import { offsetOf, partitionOf, receivedAtOf } from './packed-entry.ts';

/** A batch being judged: verdicts so far, and when the first of each duplicate was received. */
export interface Judgement {
  readonly batch: DedupeBatch;
  readonly windowMs: number;
  readonly verdicts: Verdicts;
  readonly firstReceivedAt: Float64Array;
}

export function startJudgement(batch: DedupeBatch, windowMs: number): Judgement {
  return {
    batch,
    windowMs,
    verdicts: {
      duplicate: new Uint8Array(batch.count),
      first: { partition: new Int32Array(batch.count), offset: new Float64Array(batch.count) },
    },
    firstReceivedAt: new Float64Array(batch.count),
  };
}

/**
 * An entry with the row's hash: makes the row a duplicate when the entry lies inside the window and is
 * not the row itself (S3.1, S3.3). The earliest entry is kept as the first.
 */
export function offerEntry(
  judgement: Judgement,
  row: number,
  receivedAt: number,
  partition: number,
  offset: number,
): void {
  const { batch, verdicts, firstReceivedAt } = judgement;
  if (Math.abs((batch.receivedAt[row] ?? 0) - receivedAt) > judgement.windowMs) return;
  if (batch.partitions[row] === partition && batch.offsets[row] === offset) return;
  const { partition: firstPartition, offset: firstOffset } = verdicts.first;
  if (verdicts.duplicate[row] === 1) {
    const later =
      receivedAt - (firstReceivedAt[row] ?? 0) ||
      partition - (firstPartition[row] ?? 0) ||
      offset - (firstOffset[row] ?? 0);
    if (later >= 0) return;
  }
  verdicts.duplicate[row] = 1;
  firstReceivedAt[row] = receivedAt;
  firstPartition[row] = partition;
  firstOffset[row] = offset;
}

/** The rows come in the order of arrival, so that of batch and memtable only one is read here and there. */
export function judgeByMemtable(
  judgement: Judgement,
  rows: Uint32Array,
  count: number,
  table: Memtable,
): void {
  if (table.size === 0) return;
  const { batch } = judgement;
  const { entries } = table;
  for (let i = 0; i < count; i += 1) {
    const row = rows[i] ?? 0;
    for (let slot = findSlot(table, batch, row); slot >= 0; slot = nextSlot(table, batch, row, slot)) {
      const at = entryAt(table, slot);
      const high = entries[at + 6] ?? 0;
      offerEntry(
        judgement,
        row,
        receivedAtOf(entries, at),
        partitionOf(high),
        offsetOf(high, entries[at + 7] ?? 0),
      );
    }
  }
}

/**
 * Rows of one hash stand together, in the order of S3.1. Those that stay lie more than a window apart, so
 * the last one that stayed decides about the next.
 */
export function judgeWithinBatch(judgement: Judgement, sorted: SortedEntries): void {
  const { batch, verdicts } = judgement;
  const { keys, order, count } = sorted;
  for (let from = 0; from < count;) {
    let to = from + 1;
    while (to < count && keys[to] === keys[from]) to += 1;
    let kept = -1;
    for (let i = from; to - from > 1 && i < to; i += 1) {
      const row = order[i] ?? 0;
      if (kept >= 0 && !sameHash(batch, kept, row)) kept = -1;
      if (verdicts.duplicate[row] === 1) continue;
      if (kept >= 0 && !sameCoordinates(batch, kept, row)) {
        offerEntry(
          judgement,
          row,
          batch.receivedAt[kept] ?? 0,
          batch.partitions[kept] ?? 0,
          batch.offsets[kept] ?? 0,
        );
      }
      if (verdicts.duplicate[row] === 0) kept = row;
    }
    from = to;
  }
}

import type { DedupeBatch } from '../dedupe/dedupe-batch.ts';
import type { DedupeIndex } from '../dedupe/dedupe-index.ts';
import type { CommittedVerdicts } from './committed-verdicts.ts';
import type { FoundDuplicates } from './duplicate-table.ts';

/**
 * Which rows of a tick are duplicates: by the index, or by the record of an earlier process life where that
 * exists (S4.1). Dead rows never enter the window (S3.1).
 */
export async function judgeDuplicates(
  dedupe: DedupeIndex,
  batch: DedupeBatch,
  verdicts: CommittedVerdicts,
  dead: ReadonlySet<number>,
): Promise<FoundDuplicates> {
  const unknown: number[] = [];
  const unique: number[] = [];
  const mayBeKnown = someKnown(batch, verdicts);
  for (let row = 0; row < batch.count && (mayBeKnown || dead.size > 0); row += 1) {
    if (dead.has(row)) continue;
    const partition = batch.partitions[row] ?? 0;
    const offset = BigInt(batch.offsets[row] ?? 0);
    if (!verdicts.uniquenessKnown(partition, offset)) unknown.push(row);
    else if (!verdicts.isDuplicate(partition, offset)) unique.push(row);
  }
  if (!mayBeKnown && dead.size === 0) return checkBatch(dedupe, batch, undefined);
  if (unique.length > 0) await dedupe.load(pick(batch, unique));
  // Rows that are duplicates by record are in their table already; they are left out here and there.
  const found = await checkRows(dedupe, batch, unknown);
  return { ...found, recorded: knownDuplicates(batch, verdicts, dead) };
}

/** No BigInt per row here: past the first ticks of a process no row is known, and there are a million. */
function someKnown(batch: DedupeBatch, verdicts: CommittedVerdicts): boolean {
  const until = Float64Array.from(verdicts.until, Number);
  for (let row = 0; row < batch.count; row += 1) {
    if ((batch.offsets[row] ?? 0) < (until[batch.partitions[row] ?? 0] ?? 0)) return true;
  }
  return false;
}

function knownDuplicates(
  batch: DedupeBatch,
  verdicts: CommittedVerdicts,
  dead: ReadonlySet<number>,
): readonly number[] {
  const rows: number[] = [];
  for (let row = 0; row < batch.count; row += 1) {
    const partition = batch.partitions[row] ?? 0;
    const offset = BigInt(batch.offsets[row] ?? 0);
    if (dead.has(row) || !verdicts.uniquenessKnown(partition, offset)) continue;
    if (verdicts.isDuplicate(partition, offset)) rows.push(row);
  }
  return rows;
}

/** Which of some rows are duplicates by the index, which remembers the others. */
export function checkRows(
  dedupe: DedupeIndex,
  batch: DedupeBatch,
  rows: readonly number[],
): Promise<FoundDuplicates> {
  return checkBatch(dedupe, pick(batch, rows), rows);
}

async function checkBatch(
  dedupe: DedupeIndex,
  batch: DedupeBatch,
  rowOf: readonly number[] | undefined,
): Promise<FoundDuplicates> {
  const verdicts = await dedupe.check(batch);
  const rows: number[] = [];
  const firstPartitions: number[] = [];
  const firstOffsets: bigint[] = [];
  for (let row = 0; row < batch.count; row += 1) {
    if (verdicts.duplicate[row] !== 1) continue;
    rows.push(rowOf?.[row] ?? row);
    firstPartitions.push(verdicts.first.partition[row] ?? 0);
    firstOffsets.push(BigInt(verdicts.first.offset[row] ?? 0));
  }
  return { rows, firstPartitions, firstOffsets, recorded: [] };
}

function pick(batch: DedupeBatch, rows: readonly number[]): DedupeBatch {
  const hashes = new Uint32Array(rows.length * 4);
  rows.forEach((row, index) => hashes.set(batch.hashes.subarray(row * 4, row * 4 + 4), index * 4));
  return {
    count: rows.length,
    hashes,
    receivedAt: Float64Array.from(rows, (row) => batch.receivedAt[row] ?? 0),
    partitions: Int32Array.from(rows, (row) => batch.partitions[row] ?? 0),
    offsets: Float64Array.from(rows, (row) => batch.offsets[row] ?? 0),
  };
}

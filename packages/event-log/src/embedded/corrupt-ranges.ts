import type { OffsetRange } from '../event-log.ts';
import { unionOf } from './offset-ranges.ts';
import type { PartitionReader, ReadPlan } from './partition-reader.ts';

const scanWindowBytes = 4 << 20;

/** Reads everything from an offset on and checks every checksum. */
export async function scanPartition(
  reader: PartitionReader,
  plan: Omit<ReadPlan, 'windowBytes'>,
): Promise<{ readonly readable: bigint; readonly corrupt: readonly OffsetRange[] }> {
  let readable = 0n;
  const corrupt: OffsetRange[] = [];
  for await (const piece of reader.pieces({ ...plan, windowBytes: scanWindowBytes })) {
    if (piece.kind === 'batch') readable += BigInt(piece.batch.count);
    else corrupt.push(piece.range);
  }
  return { readable, corrupt: unionOf(corrupt) };
}

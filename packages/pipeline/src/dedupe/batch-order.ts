import type { DedupeBatch } from './dedupe-batch.ts';

export function sameHash({ hashes }: DedupeBatch, a: number, b: number): boolean {
  return (
    hashes[4 * a] === hashes[4 * b] &&
    hashes[4 * a + 1] === hashes[4 * b + 1] &&
    hashes[4 * a + 2] === hashes[4 * b + 2] &&
    hashes[4 * a + 3] === hashes[4 * b + 3]
  );
}

export function sameCoordinates({ partitions, offsets }: DedupeBatch, a: number, b: number): boolean {
  return partitions[a] === partitions[b] && offsets[a] === offsets[b];
}

/** Rows by hash, then by (received_at, partition, offset) as in S3.1. */
export function compareRows(batch: DedupeBatch, a: number, b: number): number {
  const { hashes, receivedAt, partitions, offsets } = batch;
  for (let word = 0; word < 4; word += 1) {
    const difference = (hashes[4 * a + word] ?? 0) - (hashes[4 * b + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return (
    (receivedAt[a] ?? 0) - (receivedAt[b] ?? 0) ||
    (partitions[a] ?? 0) - (partitions[b] ?? 0) ||
    (offsets[a] ?? 0) - (offsets[b] ?? 0)
  );
}

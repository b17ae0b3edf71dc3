import type { DedupeBatch } from './dedupe-batch.ts';

/*
 * One entry as 8 words of 32 bits, so that it lies in one cache line and compares word by word in the
 * order of entries everywhere: by hash, then by (received_at, partition, offset) as in S3.1.
 *
 *   0..3 hash   4, 5 received_at high, low   6 partition << 16 | offset high   7 offset low
 */
export const packedWords = 8;

const word32 = 2 ** 32;

export function packRow(batch: DedupeBatch, row: number, to: Uint32Array, at: number): void {
  const { hashes } = batch;
  const receivedAt = batch.receivedAt[row] ?? 0;
  const offset = batch.offsets[row] ?? 0;
  to[at] = hashes[4 * row] ?? 0;
  to[at + 1] = hashes[4 * row + 1] ?? 0;
  to[at + 2] = hashes[4 * row + 2] ?? 0;
  to[at + 3] = hashes[4 * row + 3] ?? 0;
  packReceivedAt(receivedAt, to, at);
  to[at + 6] = ((batch.partitions[row] ?? 0) << 16) | Math.floor(offset / word32);
  to[at + 7] = offset;
}

export function packReceivedAt(receivedAt: number, to: Uint32Array, at: number): void {
  to[at + 4] = Math.floor(receivedAt / word32);
  to[at + 5] = receivedAt;
}

export function receivedAtOf(words: Uint32Array, at: number): number {
  return (words[at + 4] ?? 0) * word32 + (words[at + 5] ?? 0);
}

/** The two words of the coordinates, as here and in a run's rows. */
export function partitionOf(high: number): number {
  return high >>> 16;
}

export function offsetOf(high: number, low: number): number {
  return (high & 0xffff) * word32 + low;
}

export function comparePacked(a: Uint32Array, from: number, b: Uint32Array, to: number): number {
  for (let word = 0; word < packedWords; word += 1) {
    const difference = (a[from + word] ?? 0) - (b[to + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

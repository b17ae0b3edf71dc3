/** Entries in columns, as a batch brings them and as the memtable keeps them. Same units as `DedupeBatch`. */
export interface EntryColumns {
  readonly hashes: Uint32Array;
  readonly receivedAt: Float64Array;
  readonly partitions: Int32Array;
  readonly offsets: Float64Array;
}

export function sameHash(left: EntryColumns, a: number, right: EntryColumns, b: number): boolean {
  return (
    left.hashes[4 * a] === right.hashes[4 * b] &&
    left.hashes[4 * a + 1] === right.hashes[4 * b + 1] &&
    left.hashes[4 * a + 2] === right.hashes[4 * b + 2] &&
    left.hashes[4 * a + 3] === right.hashes[4 * b + 3]
  );
}

export function sameCoordinates(left: EntryColumns, a: number, right: EntryColumns, b: number): boolean {
  return left.partitions[a] === right.partitions[b] && left.offsets[a] === right.offsets[b];
}

/** The order of entries everywhere: by hash, then by (received_at, partition, offset) as in S3.1. */
export function compareEntries(columns: EntryColumns, a: number, b: number): number {
  const { hashes, receivedAt, partitions, offsets } = columns;
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

/**
 * The partition of a key as Kafka's default partitioner chooses it, so that the embedded log and a real
 * Kafka agree (S1.2): murmur2 of the UTF-8 bytes, made positive, modulo the number of partitions.
 */
export function partitionFor(key: string, partitions: number): number {
  const bytes = Buffer.from(key, 'utf8');
  return partitionOfHash(murmur2(bytes, 0, bytes.length), partitions);
}

export function partitionOfHash(hash: number, partitions: number): number {
  return (hash & 0x7fffffff) % partitions;
}

const m = 0x5bd1e995;

/** Kafka's murmur2 (org.apache.kafka.common.utils.Utils.murmur2), as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0x9747b28c ^ length;
  const end = start + (length & ~3);
  for (let at = start; at < end; at += 4) {
    let word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    word = Math.imul(word, m);
    word ^= word >>> 24;
    word = Math.imul(word, m);
    hash = Math.imul(hash, m) ^ word;
  }
  const rest = length & 3;
  if (rest === 3) hash ^= (bytes[end + 2] ?? 0) << 16;
  if (rest >= 2) hash ^= (bytes[end + 1] ?? 0) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[end] ?? 0), m);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}

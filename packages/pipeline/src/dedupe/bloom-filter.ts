/**
 * Spares disk reads: which keys (first hash words) a run certainly does not hold. A blocked Bloom filter
 * of 256-bit blocks with 4 bits a key. Blocks follow the order of the keys, so sorted probes walk through
 * memory in order, and a filter is rebuilt at any size from the run's key file alone.
 */
export interface BloomFilter {
  readonly blocks: number;
  readonly words: Uint32Array;
}

const bitsPerBlock = 256;
const wordsPerBlock = bitsPerBlock / 32;

export function filterBytes(keys: number, bitsPerKey: number): number {
  // One block more than is addressed: the product in `blockOf` may round up.
  return (blocksFor(keys, bitsPerKey) + 1) * wordsPerBlock * 4;
}

export function createFilter(keys: number, bitsPerKey: number): BloomFilter {
  return {
    blocks: blocksFor(keys, bitsPerKey),
    words: new Uint32Array(filterBytes(keys, bitsPerKey) / 4),
  };
}

/** Adds `count` keys that stand in `keys` from `from` on. */
export function addKeys(filter: BloomFilter, keys: Uint32Array, from: number, count: number): void {
  const { words, blocks } = filter;
  for (let i = from; i < from + count; i += 1) {
    const key = keys[i] ?? 0;
    const base = blockOf(key, blocks);
    const bits = mix(key);
    setBit(words, base, bits & 255);
    setBit(words, base, (bits >>> 8) & 255);
    setBit(words, base, (bits >>> 16) & 255);
    setBit(words, base, bits >>> 24);
  }
}

/**
 * Writes the positions of the keys that may be in the run to `selected`, in order, and returns how many
 * they are. Without a filter that is every position.
 */
export function selectKeys(
  filter: BloomFilter | undefined,
  keys: Uint32Array,
  count: number,
  selected: Uint32Array,
): number {
  let size = 0;
  if (filter === undefined) {
    for (let i = 0; i < count; i += 1) selected[i] = i;
    return count;
  }
  const { words, blocks } = filter;
  for (let i = 0; i < count; i += 1) {
    const key = keys[i] ?? 0;
    const base = blockOf(key, blocks);
    const bits = mix(key);
    if (
      hasBit(words, base, bits & 255) &&
      hasBit(words, base, (bits >>> 8) & 255) &&
      hasBit(words, base, (bits >>> 16) & 255) &&
      hasBit(words, base, bits >>> 24)
    ) {
      selected[size] = i;
      size += 1;
    }
  }
  return size;
}

function blocksFor(keys: number, bitsPerKey: number): number {
  return Math.max(1, Math.ceil((keys * bitsPerKey) / bitsPerBlock));
}

function blockOf(key: number, blocks: number): number {
  return Math.floor((key * blocks) / 2 ** 32) * wordsPerBlock;
}

/** murmur3's finaliser: the bits inside a block must not follow the key's order. */
function mix(key: number): number {
  let bits = key ^ (key >>> 16);
  bits = Math.imul(bits, 0x85ebca6b);
  bits ^= bits >>> 13;
  bits = Math.imul(bits, 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function setBit(words: Uint32Array, base: number, bit: number): void {
  const at = base + (bit >>> 5);
  words[at] = (words[at] ?? 0) | (1 << (bit & 31));
}

function hasBit(words: Uint32Array, base: number, bit: number): boolean {
  return (((words[base + (bit >>> 5)] ?? 0) >>> (bit & 31)) & 1) === 1;
}

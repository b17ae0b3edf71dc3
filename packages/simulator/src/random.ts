/**
 * Seeded randomness that gives the same bytes on every machine: sfc32 on 32-bit integers, and of `Math` only
 * what V8 computes itself (exp, log, sqrt). `Math.pow` and the trigonometric functions are avoided because
 * engines may hand them to the platform's library.
 */
export interface Random {
  /** Unsigned 32-bit integer. */
  uint32(): number;
  /** Uniform in [0, 1). */
  fraction(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** exp(ln(median) + sigma × z) with z close to normal: think times, cart sizes, lateness. */
  logNormal(median: number, sigma: number): number;
  pick<T>(values: NonEmpty<T>): T;
  /** 122 random bits in the form of a version 4 UUID. */
  uuid(): string;
  /** 64 random bits as 16 hexadecimal digits. */
  hex64(): string;
}

export type NonEmpty<T> = readonly [T, ...T[]];

/** `values.map(transform)` that keeps what the compiler knows: at least one. */
export function mapNonEmpty<T, U>([first, ...rest]: NonEmpty<T>, transform: (value: T) => U): NonEmpty<U> {
  return [transform(first), ...rest.map(transform)];
}

/** Four 32-bit words of state; see {@link seedWords}. */
export type SeedWords = readonly [number, number, number, number];

/**
 * Hashes a seed and what else must tell two streams apart into generator state (four FNV-1a lanes with a
 * murmur3 finaliser). The parts are separated, so ('a', 'bc') and ('ab', 'c') differ.
 */
export function seedWords(...parts: readonly (string | number)[]): SeedWords {
  const text = parts.map((part) => `${typeof part}:${part}`).join('\u0000');
  const lane = (offsetBasis: number): number => {
    let hash = offsetBasis;
    for (let index = 0; index < text.length; index += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    }
    return mix(hash);
  };
  return [lane(0x811c9dc5), lane(0x9e3779b9), lane(0x85ebca6b), lane(0xc2b2ae35)];
}

/** The words of the `index`-th independent stream below `words`: one per shopper, without storing any. */
export function childWords(words: SeedWords, index: number): SeedWords {
  const [a, b, c, d] = words;
  return [mix(a ^ index), mix(b + Math.imul(index, 0x9e3779b1)), c, mix(d ^ Math.imul(index, 0x85ebca6b))];
}

/** murmur3's 32-bit finaliser. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Ready-made, because ids are a good part of every event's cost. */
const hexWords = Array.from({ length: 0x1_0000 }, (_, word) => word.toString(16).padStart(4, '0'));

function hex16(value: number): string {
  return hexWords[value & 0xffff] ?? '';
}

function hex32(value: number): string {
  return hex16(value >>> 16) + hex16(value);
}

/** Standard deviation of the sum of four uniforms is √(4/12). */
const sumOfFourToUnitVariance = Math.sqrt(3);

const warmUpRounds = 12;

/** sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, period at least 2^32. */
export function createRandom(words: SeedWords): Random {
  // A typed array keeps the words as raw integers; as closure variables they would be boxed at every draw.
  const state = Int32Array.from(words);

  const next = (): number => {
    const a = state[0] ?? 0;
    const b = state[1] ?? 0;
    const c = state[2] ?? 0;
    const counter = state[3] ?? 0;
    const sum = (((a + b) | 0) + counter) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    state[3] = (counter + 1) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < warmUpRounds; round += 1) next();

  const fraction = (): number => next() / 0x1_0000_0000;
  const integer = (bound: number): number => Math.floor(fraction() * bound);
  return {
    uint32: next,
    fraction,
    integer,
    between: (low, high) => low + fraction() * (high - low),
    chance: (probability) => fraction() < probability,
    logNormal(median, sigma) {
      const z = (fraction() + fraction() + fraction() + fraction() - 2) * sumOfFourToUnitVariance;
      return median * Math.exp(sigma * z);
    },
    pick: (values) => values[integer(values.length)] ?? values[0],
    hex64: () => hex32(next()) + hex32(next()),
    uuid() {
      const [a, b, c, d] = [next(), next(), next(), next()];
      const version = (b & 0x0fff) | 0x4000;
      const variant = ((c >>> 16) & 0x3fff) | 0x8000;
      return `${hex32(a)}-${hex16(b >>> 16)}-${hex16(version)}-${hex16(variant)}-${hex16(c)}${hex32(d)}`;
    },
  };
}

/** A sampler of indices in proportion to `weights`, by binary search in their running sums. */
export function weightedIndex(weights: readonly number[]): (random: Random) => number {
  const running = new Float64Array(weights.length);
  let total = 0;
  weights.forEach((weight, index) => {
    total += weight;
    running[index] = total;
  });
  return (random) => {
    const target = random.fraction() * total;
    let low = 0;
    let high = running.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((running[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** A sampler of values in proportion to each value's `weight`. */
export function weightedPick<T extends { readonly weight: number }>(
  values: NonEmpty<T>,
): (random: Random) => T {
  const index = weightedIndex(values.map((value) => value.weight));
  return (random) => values[index(random)] ?? values[0];
}

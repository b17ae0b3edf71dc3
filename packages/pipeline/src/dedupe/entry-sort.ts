import type { DedupeBatch } from './dedupe-batch.ts';
import { pagePool, type PagePool } from './page-reader.ts';

/** Buffers that sorting and probing share; `capacity` rows at a time. 20 bytes a row. */
export interface SortBuffers {
  readonly capacity: number;
  readonly keys: Uint32Array;
  readonly order: Uint32Array;
  readonly spareKeys: Uint32Array;
  readonly spareOrder: Uint32Array;
  /** For whoever works on the sorted rows: the positions that a filter let through. */
  readonly selected: Uint32Array;
  /** What a lookup reads pages into. */
  readonly pages: PagePool;
}

/** Rows by hash, ties by the comparison given; `keys[i]` is the first hash word of row `order[i]`. */
export interface SortedEntries {
  readonly count: number;
  readonly keys: Uint32Array;
  readonly order: Uint32Array;
}

export type CompareRows = (a: number, b: number) => number;

export const sortBytesPerRow = 20;

export function createSortBuffers(capacity: number): SortBuffers {
  return {
    capacity,
    keys: new Uint32Array(capacity),
    order: new Uint32Array(capacity),
    spareKeys: new Uint32Array(capacity),
    spareOrder: new Uint32Array(capacity),
    selected: new Uint32Array(capacity),
    pages: pagePool(),
  };
}

/**
 * Splits rows by ranges of the hash, so that a batch of any size is sorted inside the buffers: rows with
 * equal hashes always share a range. Yields the buffers (larger ones for a range that crafted or repeated
 * ids overfill) and the number of rows placed in them, unsorted.
 */
export function* hashRanges(
  batch: DedupeBatch,
  buffers: SortBuffers,
): Generator<{ buffers: SortBuffers; count: number }> {
  const { count } = batch;
  const ranges = count <= buffers.capacity ? 1 : Math.ceil(count / (0.9 * buffers.capacity));
  for (let range = 0; range < ranges; range += 1) {
    const size = ranges === 1 ? count : countRange(batch, range, ranges);
    const room = size <= buffers.capacity ? buffers : createSortBuffers(size);
    placeRange(batch, range, ranges, room);
    yield { buffers: room, count: size };
  }
}

function countRange(batch: DedupeBatch, range: number, ranges: number): number {
  const { hashes, count } = batch;
  let size = 0;
  for (let row = 0; row < count; row += 1) {
    if (Math.floor(((hashes[4 * row] ?? 0) * ranges) / 2 ** 32) === range) size += 1;
  }
  return size;
}

function placeRange(batch: DedupeBatch, range: number, ranges: number, room: SortBuffers): void {
  const { hashes, count } = batch;
  const { keys, order } = room;
  let size = 0;
  for (let row = 0; row < count; row += 1) {
    const key = hashes[4 * row] ?? 0;
    if (ranges > 1 && Math.floor((key * ranges) / 2 ** 32) !== range) continue;
    keys[size] = key;
    order[size] = row;
    size += 1;
  }
}

/**
 * Sorts `count` rows that stand in `keys` and `order`; `compare` orders rows with equal keys. The result
 * lives in the buffers until their next use.
 */
export function sortPlaced(buffers: SortBuffers, count: number, compare: CompareRows): SortedEntries {
  const { keys, order, spareKeys, spareOrder } = buffers;
  radixPass(keys, order, spareKeys, spareOrder, count, 0, 11);
  radixPass(spareKeys, spareOrder, keys, order, count, 11, 11);
  radixPass(keys, order, spareKeys, spareOrder, count, 22, 10);
  const sorted = { count, keys: spareKeys, order: spareOrder };
  sortTies(sorted, compare);
  return sorted;
}

function radixPass(
  keys: Uint32Array,
  order: Uint32Array,
  toKeys: Uint32Array,
  toOrder: Uint32Array,
  count: number,
  shift: number,
  bits: number,
): void {
  const mask = 2 ** bits - 1;
  const next = new Uint32Array(mask + 1);
  for (let i = 0; i < count; i += 1) {
    const digit = ((keys[i] ?? 0) >>> shift) & mask;
    next[digit] = (next[digit] ?? 0) + 1;
  }
  let start = 0;
  for (let digit = 0; digit <= mask; digit += 1) {
    const size = next[digit] ?? 0;
    next[digit] = start;
    start += size;
  }
  for (let i = 0; i < count; i += 1) {
    const key = keys[i] ?? 0;
    const digit = (key >>> shift) & mask;
    const to = next[digit] ?? 0;
    next[digit] = to + 1;
    toKeys[to] = key;
    toOrder[to] = order[i] ?? 0;
  }
}

/** Rows that share the first word: nearly always the same id twice, so there are few. */
function sortTies(sorted: SortedEntries, compare: CompareRows): void {
  const { keys, order, count } = sorted;
  for (let from = 0; from < count;) {
    let to = from + 1;
    while (to < count && keys[to] === keys[from]) to += 1;
    if (to - from > 1) order.subarray(from, to).sort(compare);
    from = to;
  }
}

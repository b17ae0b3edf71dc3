import type { DedupeBatch } from './dedupe-batch.ts';
import { packedWords, packRow } from './packed-entry.ts';

/**
 * The newest entries: packed, in order of arrival, found through an open-addressing table of row numbers
 * at most half full. One id may have several entries (received further apart than the window).
 */
export interface Memtable {
  readonly capacity: number;
  size: number;
  readonly entries: Uint32Array;
  /** Row + 1; 0 is free. Linear probing, a power of two of slots. */
  readonly slots: Int32Array;
}

/** The packed entry and two slots. */
export const memtableBytesPerEntry = 4 * packedWords + 8;

/** `capacity` is a power of two. */
export function createMemtable(capacity: number): Memtable {
  return {
    capacity,
    size: 0,
    entries: new Uint32Array(packedWords * capacity),
    slots: new Int32Array(2 * capacity),
  };
}

/** The slot of the first entry with this row's hash, or -1. */
export function findSlot(table: Memtable, batch: DedupeBatch, row: number): number {
  return searchFrom(table, batch, row, homeSlot(table, batch.hashes, 4 * row));
}

/** The slot of the next entry with the same hash after `slot`, or -1. */
export function nextSlot(table: Memtable, batch: DedupeBatch, row: number, slot: number): number {
  return searchFrom(table, batch, row, (slot + 1) & (table.slots.length - 1));
}

/** Where the entry of a slot begins in `entries`. */
export function entryAt(table: Memtable, slot: number): number {
  return ((table.slots[slot] ?? 0) - 1) * packedWords;
}

/** Adds the row unless the table has it with the same coordinates. The caller sees to it that there is room. */
export function insertRow(table: Memtable, batch: DedupeBatch, row: number): void {
  const { entries, slots } = table;
  const at = table.size * packedWords;
  packRow(batch, row, entries, at);
  const mask = slots.length - 1;
  let slot = homeSlot(table, entries, at);
  for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
    if (isSameRecord(entries, entryAt(table, slot), at)) return;
  }
  table.size += 1;
  slots[slot] = table.size;
}

export function clearMemtable(table: Memtable): void {
  table.size = 0;
  table.slots.fill(0);
}

/** Keeps the entries for which `keep(where it begins)` says yes. */
export function filterMemtable(table: Memtable, keep: (at: number) => boolean): void {
  const { entries, slots } = table;
  const end = table.size * packedWords;
  const mask = slots.length - 1;
  clearMemtable(table);
  for (let from = 0; from < end; from += packedWords) {
    if (!keep(from)) continue;
    const at = table.size * packedWords;
    entries.copyWithin(at, from, from + packedWords);
    let slot = homeSlot(table, entries, at);
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    table.size += 1;
    slots[slot] = table.size;
  }
}

/** The first word orders the runs; words 1 and 3 of the hash place an entry here. */
function homeSlot(table: Memtable, hashes: Uint32Array, at: number): number {
  return ((hashes[at + 1] ?? 0) ^ (hashes[at + 3] ?? 0)) & (table.slots.length - 1);
}

function searchFrom(table: Memtable, batch: DedupeBatch, row: number, from: number): number {
  const { entries, slots } = table;
  const { hashes } = batch;
  const mask = slots.length - 1;
  for (let slot = from; slots[slot] !== 0; slot = (slot + 1) & mask) {
    const at = entryAt(table, slot);
    if (
      entries[at] === hashes[4 * row] &&
      entries[at + 1] === hashes[4 * row + 1] &&
      entries[at + 2] === hashes[4 * row + 2] &&
      entries[at + 3] === hashes[4 * row + 3]
    ) {
      return slot;
    }
  }
  return -1;
}

function isSameRecord(entries: Uint32Array, a: number, b: number): boolean {
  return (
    entries[a] === entries[b] &&
    entries[a + 1] === entries[b + 1] &&
    entries[a + 2] === entries[b + 2] &&
    entries[a + 3] === entries[b + 3] &&
    entries[a + 6] === entries[b + 6] &&
    entries[a + 7] === entries[b + 7]
  );
}

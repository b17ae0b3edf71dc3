import { sameCoordinates, sameHash, type EntryColumns } from './entry-columns.ts';

/**
 * The newest entries: columns in order of arrival, found through an open-addressing table of row numbers
 * at most half full. One id may have several entries (received further apart than the window).
 */
export interface Memtable extends EntryColumns {
  readonly capacity: number;
  size: number;
  /** Row + 1; 0 is free. Linear probing, a power of two of slots. */
  readonly slots: Int32Array;
}

/** 16 hash + 8 received_at + 4 partition + 8 offset, and two slots of 4. */
export const memtableBytesPerEntry = 44;

/** `capacity` is a power of two. */
export function createMemtable(capacity: number): Memtable {
  return {
    capacity,
    size: 0,
    hashes: new Uint32Array(4 * capacity),
    receivedAt: new Float64Array(capacity),
    partitions: new Int32Array(capacity),
    offsets: new Float64Array(capacity),
    slots: new Int32Array(2 * capacity),
  };
}

/** The row of the first entry with this row's hash, or -1; `nextMatch` goes on from there. */
export function findFirst(table: Memtable, columns: EntryColumns, row: number): number {
  return findFrom(table, columns, row, homeSlot(table, columns, row));
}

/** The slot after which the search for further entries of the same hash goes on. */
export function nextMatch(table: Memtable, columns: EntryColumns, row: number, found: number): number {
  const mask = table.slots.length - 1;
  let slot = homeSlot(table, columns, row);
  while (table.slots[slot] !== found + 1) slot = (slot + 1) & mask;
  return findFrom(table, columns, row, (slot + 1) & mask);
}

/** Adds the row unless the table has it with the same coordinates. The caller sees to it that there is room. */
export function insertEntry(table: Memtable, columns: EntryColumns, row: number): void {
  const mask = table.slots.length - 1;
  let slot = homeSlot(table, columns, row);
  for (;;) {
    const taken = table.slots[slot] ?? 0;
    if (taken === 0) break;
    if (sameHash(table, taken - 1, columns, row) && sameCoordinates(table, taken - 1, columns, row)) return;
    slot = (slot + 1) & mask;
  }
  const at = table.size;
  copyEntry(columns, row, table, at);
  table.size = at + 1;
  table.slots[slot] = at + 1;
}

export function clearMemtable(table: Memtable): void {
  table.size = 0;
  table.slots.fill(0);
}

/** Drops the entries for which `keep` says no. */
export function filterMemtable(table: Memtable, keep: (partition: number, offset: number) => boolean): void {
  const size = table.size;
  clearMemtable(table);
  // An entry only ever moves to a row at or before its own, so reading stays ahead of writing.
  for (let row = 0; row < size; row += 1) {
    if (keep(table.partitions[row] ?? 0, table.offsets[row] ?? 0)) insertEntry(table, table, row);
  }
}

// The first word orders the runs; words 1 and 3 place an entry here.
function homeSlot(table: Memtable, columns: EntryColumns, row: number): number {
  const { hashes } = columns;
  return ((hashes[4 * row + 1] ?? 0) ^ (hashes[4 * row + 3] ?? 0)) & (table.slots.length - 1);
}

function findFrom(table: Memtable, columns: EntryColumns, row: number, from: number): number {
  const mask = table.slots.length - 1;
  for (let slot = from; ; slot = (slot + 1) & mask) {
    const taken = table.slots[slot] ?? 0;
    if (taken === 0) return -1;
    if (sameHash(table, taken - 1, columns, row)) return taken - 1;
  }
}

function copyEntry(from: EntryColumns, row: number, to: Memtable, at: number): void {
  to.hashes[4 * at] = from.hashes[4 * row] ?? 0;
  to.hashes[4 * at + 1] = from.hashes[4 * row + 1] ?? 0;
  to.hashes[4 * at + 2] = from.hashes[4 * row + 2] ?? 0;
  to.hashes[4 * at + 3] = from.hashes[4 * row + 3] ?? 0;
  to.receivedAt[at] = from.receivedAt[row] ?? 0;
  to.partitions[at] = from.partitions[row] ?? 0;
  to.offsets[at] = from.offsets[row] ?? 0;
}

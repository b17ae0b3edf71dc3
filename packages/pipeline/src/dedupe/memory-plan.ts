import { lookupMatchBytes } from './run-lookup.ts';
import { filterBytes } from './bloom-filter.ts';
import { memtableBytesPerEntry } from './memtable.ts';
import { mostMergedRuns } from './merge-plan.ts';
import { sortBytesPerRow } from './entry-sort.ts';
import { readAheadDepth, readAheadPages } from './page-reader.ts';
import { pageBytes } from './run-format.ts';
import { runCursorBytes } from './run-cursor.ts';
import { runWriterBytes } from './run-writer.ts';
import type { Run } from './run.ts';

/**
 * How the cap is divided: an eighth to the memtable (a power of two of entries), sort buffers for as many
 * rows, what I/O takes at most, and all the rest to fences and filters.
 */
export interface MemoryPlan {
  readonly memtableEntries: number;
  readonly fixedBytes: number;
  readonly runBytes: number;
}

/** A lookup (keys and rows at once), a flush and a merge under way together, and the manifest. */
const ioBytes =
  2 * readAheadDepth * readAheadPages * pageBytes +
  lookupMatchBytes +
  2 * runWriterBytes +
  mostMergedRuns * runCursorBytes +
  64 * 1024;

export const leastMemoryBytes = 8 * 1024 * 1024;

export function planMemory(memoryBytes: number): MemoryPlan {
  const memtableEntries = 2 ** Math.floor(Math.log2(memoryBytes / 8 / memtableBytesPerEntry));
  const fixedBytes = memtableEntries * (memtableBytesPerEntry + sortBytesPerRow) + ioBytes;
  return { memtableEntries, fixedBytes, runBytes: memoryBytes - fixedBytes };
}

/**
 * At 16 bits a key some rows in a hundred are let through in vain, over all runs, and few of those cost a read; at 24
 * a third of these are, for memory that grows half as fast again. Below 2 bits a filter lets nearly everything through.
 */
const mostBitsPerKey = 16;
const leastBitsPerKey = 2;

/** Bits a key that every run can have when `entries` share `bytes`. */
export function bitsPerKeyFor(entries: number, bytes: number): number {
  const bits = Math.min(mostBitsPerKey, (8 * bytes) / Math.max(1, entries));
  return bits < leastBitsPerKey ? 0 : bits;
}

/** Fences and filters of the runs. */
export function runMemoryBytes(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.fences.byteLength + (run.filter?.words.byteLength ?? 0), 0);
}

/** What the run's filter takes with so many bits a key. */
export function filterBytesOf(run: Run, bitsPerKey: number): number {
  return bitsPerKey === 0 ? 0 : filterBytes(run.description.entries, bitsPerKey);
}

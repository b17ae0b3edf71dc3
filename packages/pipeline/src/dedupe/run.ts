import { join } from 'node:path';
import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import { addKeys, createFilter, type BloomFilter } from './bloom-filter.ts';
import { corruptState } from './dedupe-error.ts';
import { allPages, readPages } from './page-reader.ts';
import {
  checksumSeeds,
  keyPages,
  keysFileName,
  keysPerPage,
  pageBytes,
  pageWordCount,
  rowPages,
  rowsFileName,
  verifyPage,
  type RunDescription,
} from './run-format.ts';

/** An open run. Its files never change; its filter may be rebuilt smaller. */
export interface Run {
  readonly description: RunDescription;
  readonly keys: OpenFile;
  readonly rows: OpenFile;
  readonly seeds: { readonly keys: number; readonly rows: number };
  /** First key of each page of the key file. */
  readonly fences: Uint32Array;
  /** Undefined = every key may be here. */
  filter: BloomFilter | undefined;
  filterBitsPerKey: number;
  /**
   * Entries with an offset ≥ `liveBelow[partition]` are dead: written, but never committed to Silver
   * before the process ended (S3.3). Undefined = all are alive.
   */
  liveBelow: Float64Array | undefined;
}

/**
 * Opens a run that the manifest names and verifies its size and its keys.
 *
 * @throws DedupeError `dedupe-state-corrupt`.
 */
export async function openRun(
  files: FileSystem,
  directory: string,
  description: RunDescription,
): Promise<Run> {
  const { name, entries } = description;
  const keys = await files.open(join(directory, keysFileName(name)), 'read');
  let rows: OpenFile | undefined;
  try {
    rows = await files.open(join(directory, rowsFileName(name)), 'read');
    await verifySize(keys, keyPages(entries));
    await verifySize(rows, rowPages(entries));
    const run: Run = {
      description,
      keys,
      rows,
      seeds: checksumSeeds(name),
      fences: new Uint32Array(keyPages(entries)),
      filter: undefined,
      filterBitsPerKey: 0,
      liveBelow: undefined,
    };
    await scanKeys(run, (words, page) => {
      run.fences[page.number] = words[page.from] ?? 0;
    });
    return run;
  } catch (error) {
    await keys.close();
    await rows?.close();
    throw error;
  }
}

/** A failure to close says nothing about what was synced, so there is none. */
export async function closeRun(run: Run): Promise<void> {
  run.filter = undefined;
  await Promise.allSettled([run.keys.close(), run.rows.close()]);
}

export async function removeRun(files: FileSystem, directory: string, name: string): Promise<void> {
  await files.remove(join(directory, keysFileName(name)));
  await files.remove(join(directory, rowsFileName(name)));
}

/** Replaces the run's filter; 0 bits = none. The old one goes first, so that two never take memory at once. */
export async function rebuildFilter(run: Run, bitsPerKey: number): Promise<void> {
  run.filter = undefined;
  run.filterBitsPerKey = bitsPerKey;
  if (bitsPerKey === 0) return;
  const filter = createFilter(run.description.entries, bitsPerKey);
  await scanKeys(run, (words, page) => addKeys(filter, words, page.from, page.keys));
  run.filter = filter;
}

interface KeyPage {
  readonly number: number;
  /** Where its keys stand in the words, and how many they are. */
  readonly from: number;
  readonly keys: number;
}

async function scanKeys(run: Run, visit: (words: Uint32Array, page: KeyPage) => void): Promise<void> {
  const { entries } = run.description;
  await readPages(run.keys, allPages(keyPages(entries)), (words, range) => {
    for (let page = 0; page < range.pages; page += 1) {
      const number = range.firstPage + page;
      verifyPage(words, page, run.seeds.keys, number);
      const keys = Math.min(keysPerPage, entries - number * keysPerPage);
      visit(words, { number, from: page * pageWordCount, keys });
    }
  });
}

async function verifySize(file: OpenFile, pages: number): Promise<void> {
  if ((await file.size()) !== pages * pageBytes)
    throw corruptState('a run does not have the size it was written with');
}

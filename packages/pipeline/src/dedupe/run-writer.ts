import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import { removeRun, type Run } from './run.ts';
import {
  checksumSeeds,
  keyPages,
  keysFileName,
  keysPerPage,
  pageWordCount,
  rowsFileName,
  rowsPerPage,
  sealPages,
  wordsPerRow,
  type RunDescription,
} from './run-format.ts';

/** Writes one run from entries that come in order. */
export interface RunWriter {
  /** Whether the buffers are full: `drain` before the next `append`. */
  isFull(): boolean;
  append(entry: RunEntry): void;
  drain(): Promise<void>;
  /** Makes both files durable (the caller syncs the directory). Undefined when nothing was appended. */
  finish(): Promise<Run | undefined>;
  /** Closes and removes what was written. */
  abandon(): Promise<void>;
}

/** One entry as a run holds it. Reused by its owner: `append` copies it. */
export interface RunEntry {
  hash0: number;
  hash1: number;
  hash2: number;
  hash3: number;
  receivedAt: number;
  partition: number;
  offset: number;
}

const bufferedRowPages = 96;
const bufferedEntries = bufferedRowPages * rowsPerPage;
const bufferedKeyPages = keyPages(bufferedEntries) + 1;

export const runWriterBytes = (bufferedRowPages + bufferedKeyPages) * pageWordCount * 4;

/** `mostEntries` bounds what will be appended. */
export async function createRunWriter(
  files: FileSystem,
  directory: string,
  bucketStart: number,
  mostEntries: number,
): Promise<RunWriter> {
  const name = `${bucketStart}-${randomUUID()}`;
  const seeds = checksumSeeds(name);
  const keysFile = await files.open(join(directory, keysFileName(name)), 'create');
  const rowsFile = await files
    .open(join(directory, rowsFileName(name)), 'create')
    .catch(async (error: unknown) => {
      await keysFile.close();
      await removeRun(files, directory, name);
      throw error;
    });
  const keys = pageBuffer(keysFile, seeds.keys, bufferedKeyPages, keysPerPage, 1);
  const rows = pageBuffer(rowsFile, seeds.rows, bufferedRowPages, rowsPerPage, wordsPerRow);
  const fences = new Uint32Array(keyPages(mostEntries));
  let entries = 0;
  let minReceivedAt = Infinity;
  let maxReceivedAt = -Infinity;

  const description = (): RunDescription => ({ name, entries, bucketStart, minReceivedAt, maxReceivedAt });
  const abandon = async (): Promise<void> => {
    await keysFile.close();
    await rowsFile.close();
    await removeRun(files, directory, name);
  };

  return {
    isFull: () => rows.isFull(),
    append(entry) {
      if (entries % keysPerPage === 0) fences[entries / keysPerPage] = entry.hash0;
      keys.words[keys.claim()] = entry.hash0;
      const at = rows.claim();
      const { words } = rows;
      words[at] = entry.hash1;
      words[at + 1] = entry.hash2;
      words[at + 2] = entry.hash3;
      words[at + 3] = entry.receivedAt - bucketStart;
      words[at + 4] = entry.offset;
      words[at + 5] = (entry.partition << 16) | Math.floor(entry.offset / 2 ** 32);
      entries += 1;
      if (entry.receivedAt < minReceivedAt) minReceivedAt = entry.receivedAt;
      if (entry.receivedAt > maxReceivedAt) maxReceivedAt = entry.receivedAt;
    },
    async drain() {
      await keys.writeFullPages();
      await rows.writeFullPages();
    },
    async finish() {
      if (entries === 0) {
        await abandon();
        return undefined;
      }
      for (const buffer of [keys, rows]) await buffer.writeAllPages();
      await keysFile.sync();
      await rowsFile.sync();
      return {
        description: description(),
        keys: keysFile,
        rows: rowsFile,
        seeds,
        fences: fences.length === keyPages(entries) ? fences : fences.slice(0, keyPages(entries)),
        filter: undefined,
        filterBitsPerKey: 0,
        liveBelow: undefined,
      };
    },
    abandon,
  };
}

interface PageBuffer {
  readonly words: Uint32Array;
  isFull(): boolean;
  /** The word where the next item goes. */
  claim(): number;
  writeFullPages(): Promise<void>;
  writeAllPages(): Promise<void>;
}

/** Pages being filled; full ones go to the file, a last partial one moves to the front. */
function pageBuffer(
  file: OpenFile,
  seed: number,
  pages: number,
  perPage: number,
  wordsPerItem: number,
): PageBuffer {
  const words = new Uint32Array(pages * pageWordCount);
  let items = 0;
  let written = 0;
  const write = async (count: number): Promise<void> => {
    if (count === 0) return;
    sealPages(words, count, seed, written);
    const bytes = new Uint8Array(words.buffer, 0, count * pageWordCount * 4);
    await file.write([bytes], written * pageWordCount * 4);
    words.copyWithin(0, count * pageWordCount);
    words.fill(0, (pages - count) * pageWordCount);
    written += count;
    items = Math.max(0, items - count * perPage);
  };
  return {
    words,
    isFull: () => items === pages * perPage,
    claim() {
      const page = Math.floor(items / perPage);
      const at = page * pageWordCount + (items - page * perPage) * wordsPerItem;
      items += 1;
      return at;
    },
    writeFullPages: () => write(Math.floor(items / perPage)),
    writeAllPages: () => write(Math.ceil(items / perPage)),
  };
}

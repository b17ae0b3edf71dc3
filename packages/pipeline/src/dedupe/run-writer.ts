import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import { receivedAtOf } from './packed-entry.ts';
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
  /** Appends the packed entry that begins at `at`. */
  append(packed: Uint32Array, at: number): void;
  drain(): Promise<void>;
  /** Makes both files durable (the caller syncs the directory). Undefined when nothing was appended. */
  finish(): Promise<Run | undefined>;
  /** Closes and removes what was written; what can't be removed now goes when the index is opened again. */
  abandon(): Promise<void>;
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
      await Promise.allSettled([keysFile.close(), removeRun(files, directory, name)]);
      throw error;
    });
  const keys = pageBuffer(keysFile, seeds.keys, bufferedKeyPages, keysPerPage, 1);
  const rows = pageBuffer(rowsFile, seeds.rows, bufferedRowPages, rowsPerPage, wordsPerRow);
  const fences = new Uint32Array(keyPages(mostEntries));
  let entries = 0;
  let earliest = 2 ** 32;
  let latest = 0;

  const description = (): RunDescription => ({
    name,
    entries,
    bucketStart,
    minReceivedAt: bucketStart + earliest,
    maxReceivedAt: bucketStart + latest,
  });
  const abandon = async (): Promise<void> => {
    await Promise.allSettled([keysFile.close(), rowsFile.close()]);
    await removeRun(files, directory, name).catch(() => undefined);
  };

  return {
    isFull: () => rows.isFull(),
    append(packed, from) {
      const key = packed[from] ?? 0;
      if (entries % keysPerPage === 0) fences[entries / keysPerPage] = key;
      keys.words[keys.claim()] = key;
      const sinceStart = receivedAtOf(packed, from) - bucketStart;
      const at = rows.claim();
      const { words } = rows;
      words[at] = packed[from + 1] ?? 0;
      words[at + 1] = packed[from + 2] ?? 0;
      words[at + 2] = packed[from + 3] ?? 0;
      words[at + 3] = sinceStart;
      words[at + 4] = packed[from + 6] ?? 0;
      words[at + 5] = packed[from + 7] ?? 0;
      entries += 1;
      if (sinceStart < earliest) earliest = sinceStart;
      if (sinceStart > latest) latest = sinceStart;
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
  let page = 0;
  let inPage = 0;
  let written = 0;
  const write = async (count: number): Promise<void> => {
    if (count === 0) return;
    sealPages(words, count, seed, written);
    const bytes = new Uint8Array(words.buffer, 0, count * pageWordCount * 4);
    await file.write([bytes], written * pageWordCount * 4);
    words.copyWithin(0, count * pageWordCount);
    words.fill(0, (pages - count) * pageWordCount);
    written += count;
    page = Math.max(0, page - count);
  };
  return {
    words,
    isFull: () => page === pages,
    claim() {
      const at = page * pageWordCount + inPage * wordsPerItem;
      inPage += 1;
      if (inPage === perPage) {
        inPage = 0;
        page += 1;
      }
      return at;
    },
    writeFullPages: () => write(page),
    async writeAllPages() {
      await write(page + (inPage > 0 ? 1 : 0));
    },
  };
}

import type { OpenFile } from '@clicklake/durable-files';
import { corruptState } from './dedupe-error.ts';
import {
  keyPages,
  keysPerPage,
  pageBytes,
  pageWordCount,
  rowPages,
  rowsPerPage,
  verifyPage,
  wordsOf,
  wordsPerRow,
} from './run-format.ts';
import type { Run } from './run.ts';
import { offsetOf, packedWords, packReceivedAt, partitionOf } from './packed-entry.ts';

/** Walks through a run's living entries in order; memory: one slice of each file. */
export interface RunCursor {
  /** The entry the cursor stands on, packed; rewritten by `advance`. */
  readonly entry: Uint32Array;
  /** Moves on inside what has been read. False: `refill` decides whether there is more. */
  advance(): boolean;
  /** Reads on and stands on the next entry. False: the run is at its end. */
  refill(): Promise<boolean>;
}

const keyPagesPerRead = 4;
const rowPagesPerRead = 24;

export const runCursorBytes = (keyPagesPerRead + rowPagesPerRead) * pageBytes;

export function createRunCursor(run: Run): RunCursor {
  const { entries, bucketStart } = run.description;
  const { liveBelow } = run;
  const keys = createSlice(run.keys, run.seeds.keys, keyPages(entries), keysPerPage, keyPagesPerRead);
  const rows = createSlice(run.rows, run.seeds.rows, rowPages(entries), rowsPerPage, rowPagesPerRead);
  const entry = new Uint32Array(packedWords);
  let next = 0;

  const decode = (index: number): void => {
    const keyIndex = index - keys.first;
    const rowIndex = index - rows.first;
    const rowPage = Math.floor(rowIndex / rowsPerPage);
    const at = rowPage * pageWordCount + (rowIndex - rowPage * rowsPerPage) * wordsPerRow;
    const { words } = rows;
    entry[0] = keys.words[keyIndex + Math.floor(keyIndex / keysPerPage)] ?? 0;
    entry[1] = words[at] ?? 0;
    entry[2] = words[at + 1] ?? 0;
    entry[3] = words[at + 2] ?? 0;
    packReceivedAt(bucketStart + (words[at + 3] ?? 0), entry, 0);
    entry[6] = words[at + 4] ?? 0;
    entry[7] = words[at + 5] ?? 0;
  };
  const advance = (): boolean => {
    const end = Math.min(entries, keys.end, rows.end);
    while (next < end) {
      decode(next);
      next += 1;
      if (liveBelow === undefined || isBelow(liveBelow, entry)) return true;
    }
    return false;
  };
  return {
    entry,
    advance,
    async refill() {
      while (next < entries) {
        if (next >= keys.end) await keys.read(next);
        if (next >= rows.end) await rows.read(next);
        if (advance()) return true;
      }
      return false;
    },
  };
}

function isBelow(liveBelow: Float64Array, entry: Uint32Array): boolean {
  const high = entry[6] ?? 0;
  return offsetOf(high, entry[7] ?? 0) < (liveBelow[partitionOf(high)] ?? 0);
}

interface Slice {
  words: Uint32Array;
  /** Entries that the words hold: `first` to `end`. */
  first: number;
  end: number;
  /** Reads the slice that begins with the page of this entry. */
  read(entry: number): Promise<void>;
}

function createSlice(
  file: OpenFile,
  seed: number,
  pages: number,
  perPage: number,
  pagesPerRead: number,
): Slice {
  const slice: Slice = {
    words: new Uint32Array(0),
    first: 0,
    end: 0,
    async read(entry) {
      const firstPage = Math.floor(entry / perPage);
      const count = Math.min(pagesPerRead, pages - firstPage);
      const bytes = await file.read(firstPage * pageBytes, count * pageBytes);
      if (bytes.byteLength < count * pageBytes) throw corruptState('a run is shorter than it was');
      slice.words = wordsOf(bytes);
      for (let page = 0; page < count; page += 1) verifyPage(slice.words, page, seed, firstPage + page);
      slice.first = firstPage * perPage;
      slice.end = (firstPage + count) * perPage;
    },
  };
  return slice;
}

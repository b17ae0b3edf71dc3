import { selectKeys } from './bloom-filter.ts';
import type { SortBuffers, SortedEntries } from './entry-sort.ts';
import { offerEntry, type Judgement } from './judgement.ts';
import { offsetOf, partitionOf } from './packed-entry.ts';
import { readAheadPages, readPages, type PagePool, type PageRange } from './page-reader.ts';
import { keysPerPage, pageWordCount, rowsPerPage, verifyPage, wordsPerRow } from './run-format.ts';
import type { Run } from './run.ts';

/** Counters of what lookups cost. */
export interface LookupCosts {
  falsePositives: number;
  reads: number;
}

/** Sorted row positions and the entries whose first hash word equals theirs. */
interface KeyMatches {
  readonly positions: Uint32Array;
  readonly entries: Uint32Array;
  size: number;
}

const matchCapacity = 4096;
/** Pages between two wanted ones that are read along: cheaper than another read. 8 and 31 were slower with 100 M ids. */
const bridgedPages = 16;

export const lookupMatchBytes = 8 * matchCapacity;

/**
 * Offers every entry of the run that has the hash of a row to the judgement. The filter says which rows
 * need the disk; the key file then narrows those down to equal first words; the full hash decides.
 */
export async function judgeByRun(
  judgement: Judgement,
  sorted: SortedEntries,
  run: Run,
  buffers: SortBuffers,
  costs: LookupCosts,
): Promise<void> {
  const { selected, pages } = buffers;
  const count = selectKeys(run.filter, sorted.keys, sorted.count, selected);
  if (count === 0) return;
  const matches: KeyMatches = {
    positions: new Uint32Array(matchCapacity),
    entries: new Uint32Array(matchCapacity),
    size: 0,
  };
  let found = 0;
  let lastFound = -1;
  const resolve = async (matches: KeyMatches): Promise<void> => {
    await judgeMatches(judgement, sorted, run, matches, pages, costs, (position) => {
      if (position === lastFound) return;
      lastFound = position;
      found += 1;
    });
    matches.size = 0;
  };
  const plan = planKeyReads(run.fences, sorted.keys, selected, count);
  const match = async (words: Uint32Array, range: KeyRead): Promise<void> => {
    costs.reads += 1;
    for (const full of findKeys(words, range, run, sorted.keys, selected, matches)) await resolve(full);
  };
  await readPages(run.keys, plan, match, pages);
  await resolve(matches);
  costs.falsePositives += count - found;
}

interface KeyRead extends PageRange {
  /** The selected keys that these pages decide: positions `from` to `to` of the selection. */
  readonly from: number;
  readonly to: number;
}

/** Which pages hold the selected keys, neighbours together. Keys come in order, so one walk over the fences does. */
function* planKeyReads(
  fences: Uint32Array,
  keys: Uint32Array,
  selected: Uint32Array,
  count: number,
): Generator<KeyRead> {
  let page = 0;
  let from = 0;
  let firstPage = -1;
  let lastPage = -1;
  for (let i = 0; i < count; i += 1) {
    const key = keys[selected[i] ?? 0] ?? 0;
    page = firstPageOf(fences, key, page);
    const end = lastPageOf(fences, key, page);
    if (firstPage < 0) firstPage = page;
    else if (page > lastPage + bridgedPages || end - firstPage >= readAheadPages) {
      yield { firstPage, pages: lastPage - firstPage + 1, from, to: i };
      from = i;
      firstPage = page;
    }
    lastPage = end;
  }
  yield { firstPage, pages: lastPage - firstPage + 1, from, to: count };
}

/** Equal keys may begin at the end of the last page whose first key is smaller. */
function firstPageOf(fences: Uint32Array, key: number, from: number): number {
  let page = from;
  while (page + 1 < fences.length && (fences[page + 1] ?? 0) < key) page += 1;
  return page;
}

function lastPageOf(fences: Uint32Array, key: number, from: number): number {
  let page = from;
  while (page + 1 < fences.length && (fences[page + 1] ?? 0) <= key) page += 1;
  return page;
}

/** Adds the matches of one read; yields them whenever they are full, to be taken away. */
function* findKeys(
  words: Uint32Array,
  range: KeyRead,
  run: Run,
  keys: Uint32Array,
  selected: Uint32Array,
  matches: KeyMatches,
): Generator<KeyMatches> {
  const { fences, description } = run;
  let page = range.firstPage;
  let verified = -1;
  for (let i = range.from; i < range.to; i += 1) {
    const position = selected[i] ?? 0;
    const key = keys[position] ?? 0;
    page = firstPageOf(fences, key, page);
    const end = lastPageOf(fences, key, page);
    for (let at = page; at <= end; at += 1) {
      const base = (at - range.firstPage) * pageWordCount;
      if (at > verified) {
        verifyPage(words, at - range.firstPage, run.seeds.keys, at);
        verified = at;
      }
      const size = Math.min(keysPerPage, description.entries - at * keysPerPage);
      for (
        let slot = lowerBound(words, base, size, key);
        slot < size && words[base + slot] === key;
        slot += 1
      ) {
        matches.positions[matches.size] = position;
        matches.entries[matches.size] = at * keysPerPage + slot;
        matches.size += 1;
        if (matches.size === matchCapacity) yield matches;
      }
    }
  }
}

function lowerBound(words: Uint32Array, base: number, size: number, key: number): number {
  let low = 0;
  let high = size;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((words[base + middle] ?? 0) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface RowRead extends PageRange {
  readonly from: number;
  readonly to: number;
}

/** Entries come in order (an id repeated in the batch steps back a few): neighbours are read together. */
function* planRowReads(matches: KeyMatches): Generator<RowRead> {
  let from = 0;
  let firstPage = -1;
  let lastPage = -1;
  for (let i = 0; i < matches.size; i += 1) {
    const page = Math.floor((matches.entries[i] ?? 0) / rowsPerPage);
    if (firstPage < 0) firstPage = page;
    else if (page < firstPage || page > lastPage + bridgedPages || page - firstPage >= readAheadPages) {
      yield { firstPage, pages: lastPage - firstPage + 1, from, to: i };
      from = i;
      firstPage = page;
      lastPage = page;
    }
    lastPage = Math.max(page, lastPage);
  }
  if (firstPage >= 0) yield { firstPage, pages: lastPage - firstPage + 1, from, to: matches.size };
}

async function judgeMatches(
  judgement: Judgement,
  sorted: SortedEntries,
  run: Run,
  matches: KeyMatches,
  pages: PagePool,
  costs: LookupCosts,
  onFound: (position: number) => void,
): Promise<void> {
  const { hashes } = judgement.batch;
  const { description, liveBelow } = run;
  const compare = (words: Uint32Array, range: RowRead): void => {
    costs.reads += 1;
    let verified = -1;
    for (let i = range.from; i < range.to; i += 1) {
      const entry = matches.entries[i] ?? 0;
      const page = Math.floor(entry / rowsPerPage);
      if (page !== verified) verifyPage(words, page - range.firstPage, run.seeds.rows, page);
      verified = page;
      const at = (page - range.firstPage) * pageWordCount + (entry % rowsPerPage) * wordsPerRow;
      const position = matches.positions[i] ?? 0;
      const row = sorted.order[position] ?? 0;
      if (
        words[at] !== hashes[4 * row + 1] ||
        words[at + 1] !== hashes[4 * row + 2] ||
        words[at + 2] !== hashes[4 * row + 3]
      ) {
        continue;
      }
      onFound(position);
      const high = words[at + 4] ?? 0;
      const partition = partitionOf(high);
      const offset = offsetOf(high, words[at + 5] ?? 0);
      if (liveBelow !== undefined && offset >= (liveBelow[partition] ?? 0)) continue;
      offerEntry(judgement, row, description.bucketStart + (words[at + 3] ?? 0), partition, offset);
    }
  };
  await readPages(run.rows, planRowReads(matches), compare, pages);
}

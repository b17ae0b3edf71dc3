import { crc32 } from 'node:zlib';

/*
 * A Bloom filter over the event_ids of one Parquet file, in pages that are read and verified by themselves: a look
 * costs one page, however many ids there are. A page is 1023 words of bits and the CRC-32 of them, seeded with the
 * page's number and the name of the data file, so that no page passes for another. It only ever spares a scan: what
 * it lets through is read, what is damaged or missing counts as let through.
 */

export const filterPageBytes = 4096;
const pageWords = filterPageBytes / 4;
const bitsPerPage = (pageWords - 1) * 32;
/** 12 bits and 7 of them set for an id: about one in 200 files is read in vain. */
const idsPerPage = Math.floor(bitsPerPage / 12);
const probes = 7;

/** 64 bits of an id's hash, in two words; uniform in every bit. */
export interface IdHash {
  readonly high: number;
  readonly low: number;
}

export interface FilterBuilder {
  add(hash: IdHash): void;
  /** The bytes of the file. Call it once, after the last id. */
  seal(): Uint8Array;
}

/** @param ids how many will be added. @param name of the data file. */
export function createFilter(ids: number, name: string): FilterBuilder {
  const pages = Math.max(1, Math.ceil(ids / idsPerPage));
  const words = new Uint32Array(pages * pageWords);
  return {
    add(hash) {
      const base = pageOf(hash, pages) * pageWords;
      for (let probe = 0; probe < probes; probe += 1) {
        const bit = bitOf(hash, probe);
        const at = base + (bit >>> 5);
        words[at] = (words[at] ?? 0) | (1 << (bit & 31));
      }
    },
    seal() {
      for (let page = 0; page < pages; page += 1)
        words[page * pageWords + pageWords - 1] = checksum(words, page, page, name);
      return new Uint8Array(words.buffer);
    },
  };
}

/** Which page of a filter file of this size says of the id. */
export function filterPage(hash: IdHash, fileBytes: number): number {
  return pageOf(hash, Math.floor(fileBytes / filterPageBytes));
}

/** Whether the file may hold the id; true also for a page that is damaged, cut off, or another file's. */
export function mayHoldId(bytes: Uint8Array, pageNumber: number, name: string, hash: IdHash): boolean {
  if (bytes.byteLength !== filterPageBytes) return true;
  // Copied, so that the words lie aligned.
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  if (words[pageWords - 1] !== checksum(words, 0, pageNumber, name)) return true;
  for (let probe = 0; probe < probes; probe += 1) {
    const bit = bitOf(hash, probe);
    if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
  }
  return true;
}

/** Whether every page of a filter file is as it was written. */
export function isSound(bytes: Uint8Array, name: string): boolean {
  if (bytes.byteLength === 0 || bytes.byteLength % filterPageBytes !== 0) return false;
  const words = new Uint32Array(Uint8Array.from(bytes).buffer);
  for (let page = 0; page < bytes.byteLength / filterPageBytes; page += 1)
    if (words[page * pageWords + pageWords - 1] !== checksum(words, page, page, name)) return false;
  return true;
}

function pageOf({ high }: IdHash, pages: number): number {
  return Math.floor((high / 2 ** 32) * pages);
}

/** Double hashing (Kirsch and Mitzenmacher, 2006) by the two halves of the other word. */
function bitOf({ low }: IdHash, probe: number): number {
  return ((low & 0xffff) + probe * ((low >>> 16) | 1)) % bitsPerPage;
}

function checksum(words: Uint32Array, page: number, pageNumber: number, name: string): number {
  const bytes = new Uint8Array(words.buffer, page * filterPageBytes, filterPageBytes - 4);
  return crc32(bytes, (crc32(name) + pageNumber) >>> 0);
}

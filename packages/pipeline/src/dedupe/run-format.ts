import { crc32 } from 'node:zlib';
import { corruptState } from './dedupe-error.ts';

/*
 * A run: entries of one time bucket, immutable, in the order of `comparePacked`, as two files of 4096-byte
 * pages (little-endian words of 32 bits; the last word is the CRC-32 of the 1023 before it, seeded with
 * the run's and the page's number, so that a page of another run or place fails too).
 *
 *   <name>.keys  page := key{1023} crc             key := the first word of the hash
 *   <name>.rows  page := row{170} zero{3} crc      row := hash words 1..3, received_at − bucket start,
 *                                                         partition << 16 | offset high, offset low
 *
 * Entry i is key i and row i. The keys alone (4 of 28 bytes) answer nearly every probe: two of n entries
 * share a key by chance once in 2^32 / n. Unused places of the last page are zero.
 */
export const pageBytes = 4096;
export const pageWordCount = pageBytes / 4;
export const keysPerPage = pageWordCount - 1;
export const wordsPerRow = 6;
export const rowsPerPage = Math.floor(keysPerPage / wordsPerRow);
export const bytesPerEntry = 4 + 4 * wordsPerRow;

/** What the manifest says of a run. */
export interface RunDescription {
  readonly name: string;
  readonly entries: number;
  /** Start of the time bucket, ms: what the entries' received_at counts from. */
  readonly bucketStart: number;
  /** Received_at of the earliest and latest entry, ms. */
  readonly minReceivedAt: number;
  readonly maxReceivedAt: number;
}

export function keyPages(entries: number): number {
  return Math.ceil(entries / keysPerPage);
}

export function rowPages(entries: number): number {
  return Math.ceil(entries / rowsPerPage);
}

export function keysFileName(name: string): string {
  return `${name}.keys`;
}

export function rowsFileName(name: string): string {
  return `${name}.rows`;
}

/** Seeds of the two files' checksums. */
export function checksumSeeds(name: string): { keys: number; rows: number } {
  return { keys: crc32(keysFileName(name)), rows: crc32(rowsFileName(name)) };
}

/** Writes the checksum of each page of `words`; `firstPage` is the first one's number in its file. */
export function sealPages(words: Uint32Array, pages: number, seed: number, firstPage: number): void {
  for (let page = 0; page < pages; page += 1) {
    words[page * pageWordCount + keysPerPage] = pageChecksum(words, page, seed, firstPage + page);
  }
}

/** @throws DedupeError `dedupe-state-corrupt`. */
export function verifyPage(words: Uint32Array, page: number, seed: number, pageNumber: number): void {
  if (words[page * pageWordCount + keysPerPage] !== pageChecksum(words, page, seed, pageNumber)) {
    throw corruptState(`page ${pageNumber} of a run fails its checksum`);
  }
}

function pageChecksum(words: Uint32Array, page: number, seed: number, pageNumber: number): number {
  const bytes = new Uint8Array(words.buffer, words.byteOffset + page * pageBytes, pageBytes - 4);
  return crc32(bytes, (seed + pageNumber) >>> 0);
}

/** The words of bytes that were read; copies only when they lie unaligned. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
}

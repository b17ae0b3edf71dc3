import { integerBelow, type Random } from './seeded-random.ts';

/**
 * What a disk may hold of a file after a power cut: of the bytes that were not synced, all, none, a part, in
 * any order of pages; where the size got there before the bytes did, zeros.
 *
 * @param synced the content at the last sync.
 * @param written the content as the processes saw it.
 */
export function tornContent(synced: Buffer, written: Buffer, random: Random): Buffer {
  if (synced.equals(written)) return synced;
  switch (integerBelow(random, 4)) {
    case 0:
      return synced;
    case 1:
      return written;
    case 2:
      return prefix(synced, written, random);
    default:
      return pages(synced, written, random);
  }
}

/** The writes reached the disk in order, up to some byte. */
function prefix(synced: Buffer, written: Buffer, random: Random): Buffer {
  const from = firstDifference(synced, written);
  const until = from + integerBelow(random, Math.max(1, written.length - from));
  return Buffer.concat([written.subarray(0, until), synced.subarray(until)]);
}

/** Pages (or sectors) reached the disk in any order, the new size before or after them. */
function pages(synced: Buffer, written: Buffer, random: Random): Buffer {
  const pageBytes = random() < 0.5 ? 4096 : 512;
  const length = random() < 0.5 ? written.length : synced.length;
  const torn = Buffer.alloc(length);
  synced.copy(torn);
  for (let at = 0; at < length; at += pageBytes) {
    if (random() < 0.5) written.copy(torn, at, at, Math.min(at + pageBytes, written.length));
  }
  return torn;
}

function firstDifference(a: Buffer, b: Buffer): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) if (a[at] !== b[at]) return at;
  return shorter;
}

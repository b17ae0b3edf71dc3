import type { OpenFile } from '@clicklake/durable-files';
import { corruptState } from './dedupe-error.ts';
import { pageBytes, wordsOf } from './run-format.ts';

/** Neighbouring pages that are read at once. */
export interface PageRange {
  readonly firstPage: number;
  readonly pages: number;
}

/** Pages of one read, and reads under way: half a MiB together. */
export const readAheadPages = 32;
export const readAheadDepth = 4;

/**
 * Carries out a plan of reads, a few ahead, and hands over their words in the plan's order.
 *
 * @throws DedupeError `dedupe-state-corrupt` when the file ends early.
 */
export async function readPages<Range extends PageRange>(
  file: OpenFile,
  plan: Iterable<Range>,
  use: (words: Uint32Array, range: Range) => void | Promise<void>,
): Promise<void> {
  const ahead: { range: Range; bytes: Promise<Buffer> }[] = [];
  const useFirst = async (): Promise<void> => {
    const first = ahead[0];
    if (first === undefined) return;
    const bytes = await first.bytes;
    if (bytes.byteLength < first.range.pages * pageBytes) throw corruptState('a run is shorter than it was');
    await use(wordsOf(bytes), first.range);
    ahead.shift();
  };
  try {
    for (const range of plan) {
      const bytes = file.read(range.firstPage * pageBytes, range.pages * pageBytes);
      // Its failure is met when its turn comes; until then it must not count as unhandled.
      bytes.catch(() => undefined);
      ahead.push({ range, bytes });
      if (ahead.length >= readAheadDepth) await useFirst();
    }
    while (ahead.length > 0) await useFirst();
  } finally {
    await Promise.allSettled(ahead.map((read) => read.bytes));
  }
}

/** A whole file in order. */
export function* allPages(pages: number): Generator<PageRange> {
  for (let firstPage = 0; firstPage < pages; firstPage += readAheadPages) {
    yield { firstPage, pages: Math.min(readAheadPages, pages - firstPage) };
  }
}

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

/** Buffers of one read each that are used again: as garbage they would cost a collection every few reads. */
export interface PagePool {
  take(): Buffer;
  release(buffer: Buffer): void;
}

export function pagePool(): PagePool {
  const free: Buffer[] = [];
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(readAheadPages * pageBytes),
    release: (buffer) => void free.push(buffer),
  };
}

/**
 * Carries out a plan of reads, a few ahead, and hands over their words in the plan's order. They are valid until
 * `use` has ended.
 *
 * @param pool whose buffers it reads into, `readAheadDepth` of them at most; they are back when it returns.
 * @throws DedupeError `dedupe-state-corrupt` when the file ends early.
 */
export async function readPages<Range extends PageRange>(
  file: OpenFile,
  plan: Iterable<Range>,
  use: (words: Uint32Array, range: Range) => void | Promise<void>,
  pool: PagePool = pagePool(),
): Promise<void> {
  const ahead: { range: Range; bytes: Promise<Buffer>; buffer: Buffer | undefined }[] = [];
  const useFirst = async (): Promise<void> => {
    const first = ahead[0];
    if (first === undefined) return;
    const bytes = await first.bytes;
    if (bytes.byteLength < first.range.pages * pageBytes) throw corruptState('a run is shorter than it was');
    await use(wordsOf(bytes), first.range);
    ahead.shift();
    if (first.buffer !== undefined) pool.release(first.buffer);
  };
  try {
    for (const range of plan) {
      // Pages that one key spans may be more than a buffer holds.
      const buffer = range.pages <= readAheadPages ? pool.take() : undefined;
      const bytes = file.read(range.firstPage * pageBytes, range.pages * pageBytes, buffer);
      // Its failure is met when its turn comes; until then it must not count as unhandled.
      bytes.catch(() => undefined);
      ahead.push({ range, bytes, buffer });
      if (ahead.length >= readAheadDepth) await useFirst();
    }
    while (ahead.length > 0) await useFirst();
  } finally {
    await Promise.allSettled(ahead.map((read) => read.bytes));
    for (const { buffer } of ahead) if (buffer !== undefined) pool.release(buffer);
  }
}

/** A whole file in order. */
export function* allPages(pages: number): Generator<PageRange> {
  for (let firstPage = 0; firstPage < pages; firstPage += readAheadPages) {
    yield { firstPage, pages: Math.min(readAheadPages, pages - firstPage) };
  }
}

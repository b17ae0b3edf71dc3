import type { OpenFile } from '../file-system.ts';

/** A file's content as of its last sync, kept up to date from the ranges written since. */
export interface TrackedFile {
  /** Notes that bytes changed. */
  wrote(position: number, length: number): void;
  /** Copies what was written since the last sync; call it after the real file has it. */
  synced(source: OpenFile): Promise<void>;
  /** Takes the whole content as synced. */
  syncedAs(content: Buffer): void;
  content(): Buffer;
}

export function trackedFile(initial: Buffer = Buffer.alloc(0)): TrackedFile {
  let content = initial;
  let length = initial.length;
  let dirty: { readonly position: number; readonly length: number }[] = [];

  function resize(size: number): void {
    if (size > content.length) {
      const grown = Buffer.alloc(Math.max(size, content.length * 2));
      content.copy(grown, 0, 0, length);
      content = grown;
    }
    if (size < length) content.fill(0, size, length);
    length = size;
  }

  return {
    wrote(position, bytes) {
      dirty.push({ position, length: bytes });
    },
    async synced(source) {
      const ranges = dirty;
      dirty = [];
      const size = await source.size();
      const read = await Promise.all(
        ranges.map(async (range) => ({ ...range, bytes: await source.read(range.position, range.length) })),
      );
      resize(size);
      for (const { position, bytes } of read) bytes.copy(content, position, 0, Math.max(0, size - position));
    },
    syncedAs(bytes) {
      dirty = [];
      content = Buffer.from(bytes);
      length = bytes.length;
    },
    content: () => Buffer.from(content.subarray(0, length)),
  };
}

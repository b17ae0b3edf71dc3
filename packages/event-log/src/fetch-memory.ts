/**
 * Memory that one caller's fetches use again and again: a catch-up reads gigabytes through it, and as garbage
 * they would cost a collection of the whole heap for every few batches. What a fetch returned over it is valid
 * until the next fetch over it.
 */
export interface FetchMemory {
  /** Takes back everything that was handed out. */
  reset(): void;
  /** So many bytes, of any content. */
  take(bytes: number): Buffer;
}

export function fetchMemory(): FetchMemory {
  let buffer = Buffer.alloc(0);
  let used = 0;
  return {
    reset() {
      used = 0;
    },
    take(bytes) {
      if (used === 0 && bytes > buffer.length) buffer = Buffer.allocUnsafeSlow(bytes);
      // More than one read of a fetch is rare: a segment ends, or a frame is larger than the window.
      if (used + bytes > buffer.length) return Buffer.allocUnsafeSlow(bytes);
      used += bytes;
      return buffer.subarray(used - bytes, used);
    },
  };
}

import type { OpenFile } from '@clicklake/durable-files';
import type { FetchMemory } from '../fetch-memory.ts';
import { decodeHeader, frameBytes, headerBytes, type FrameHeader } from './frame.ts';
import type { LoadedFrame } from './frame-records.ts';

/** Frames of one segment file, up to a length: what lies beyond is not durable yet, or not there. */
export interface FrameSource {
  readonly limit: number;
  /** The frame that starts at a position; undefined when no whole frame with an intact header does. */
  headerAt(position: number): Promise<FrameHeader | undefined>;
  /** Reads the body of a frame that `headerAt` returned. The bytes stay valid (as long as `memory` is not reset). */
  load(position: number, header: FrameHeader): Promise<LoadedFrame>;
  /** The first whole frame with an intact header at or after a position that `accept` takes. */
  find(position: number, accept: (header: FrameHeader) => boolean): Promise<FoundFrame | undefined>;
}

export interface FoundFrame {
  readonly position: number;
  readonly header: FrameHeader;
}

/**
 * @param windowBytes how much one read fetches: the budget of a fetch, or little for a walk over headers.
 * @param memory where to read to; none: new memory for each read.
 */
export function frameSource(
  file: OpenFile,
  prefix: Buffer,
  limit: number,
  windowBytes: number,
  memory?: FetchMemory,
): FrameSource {
  let window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  /** The window, moved when it does not hold `length` bytes (or all up to the limit) from `position`. */
  async function windowWith(position: number, length: number, readBytes: number): Promise<typeof window> {
    const end = Math.min(limit, position + length);
    if (position < window.start || end > window.start + window.bytes.length) {
      const wanted = Math.max(0, Math.min(limit - position, Math.max(length, readBytes)));
      window = { start: position, bytes: await file.read(position, wanted, memory?.take(wanted)) };
    }
    return window;
  }

  async function headerAt(position: number): Promise<FrameHeader | undefined> {
    if (position + headerBytes > limit) return undefined;
    const { start, bytes } = await windowWith(position, headerBytes, windowBytes);
    const header = decodeHeader(prefix, bytes, position - start);
    return header !== undefined && position + frameBytes(header) <= limit ? header : undefined;
  }

  return {
    limit,
    headerAt,
    async load(position, header) {
      const { start, bytes } = await windowWith(position, frameBytes(header), windowBytes);
      return { header, bytes, at: position - start + headerBytes };
    },
    async find(position, accept) {
      let at = position;
      while (at + headerBytes <= limit) {
        const { start, bytes } = await windowWith(at, headerBytes, 1 << 20);
        const hit = bytes.indexOf(prefix, at - start);
        if (hit < 0) {
          // A prefix may straddle the window's end.
          at = start + bytes.length - prefix.length + 1;
          if (start + bytes.length >= limit) return undefined;
          continue;
        }
        at = start + hit;
        const header = await headerAt(at);
        if (header !== undefined && accept(header)) return { position: at, header };
        at += 1;
      }
      return undefined;
    },
  };
}

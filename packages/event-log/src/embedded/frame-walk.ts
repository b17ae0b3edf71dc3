import { frameBytes, nextOffset, type FrameHeader } from './frame.ts';
import type { FrameSource } from './frame-source.ts';
import type { OffsetRange } from '../event-log.ts';

export type WalkStep =
  | { readonly kind: 'frame'; readonly position: number; readonly header: FrameHeader }
  | { readonly kind: 'unreadable'; readonly range: OffsetRange };

export interface WalkStart {
  readonly position: number;
  /** The offset that the frame there is expected to start with. */
  readonly offset: bigint;
}

/**
 * The frames of a segment from a frame's start on, headers only. Where a header is damaged the walk goes on
 * at the next intact one, and the offsets between are unreadable.
 *
 * @param end the offset at which the segment ends: the next segment's base, or the durable end.
 */
export async function* walkFrames(
  source: FrameSource,
  start: WalkStart,
  end: bigint,
): AsyncGenerator<WalkStep> {
  let { position, offset } = start;
  while (offset < end) {
    let header = await source.headerAt(position);
    if (header?.baseOffset !== offset || nextOffset(header) > end) {
      const expected = offset;
      const found = await source.find(
        position,
        (next) => next.baseOffset >= expected && nextOffset(next) <= end,
      );
      const resumed = found?.header.baseOffset ?? end;
      if (resumed > offset) yield { kind: 'unreadable', range: { from: offset, to: resumed } };
      if (found === undefined) return;
      ({ position, header } = found);
      offset = resumed;
    }
    if (header.count > 0) yield { kind: 'frame', position, header };
    position += frameBytes(header);
    offset = nextOffset(header);
  }
}

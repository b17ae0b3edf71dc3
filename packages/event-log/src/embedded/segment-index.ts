import type { WalkStart } from './frame-walk.ts';

/** Where some frames of a segment start: remembered while walking, so that the next walk starts nearby. */
export interface SegmentIndex {
  /** The last known frame that starts at or before an offset. */
  nearest(offset: bigint): WalkStart;
  note(place: WalkStart): void;
}

const spacingBytes = 1 << 20;

export function segmentIndex(base: bigint): SegmentIndex {
  const sparse: WalkStart[] = [{ position: 0, offset: base }];
  /** Where the last reader stopped: a consumer comes back exactly there. */
  let cursor: WalkStart = { position: 0, offset: base };
  return {
    nearest(offset) {
      const known = sparse.findLast((place) => place.offset <= offset) ?? { position: 0, offset: base };
      return cursor.offset <= offset && cursor.position > known.position ? cursor : known;
    },
    note(place) {
      cursor = place;
      if (place.position >= (sparse.at(-1)?.position ?? 0) + spacingBytes) sparse.push(place);
    },
  };
}

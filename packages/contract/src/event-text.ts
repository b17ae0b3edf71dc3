import { slotList } from './record-slots.ts';

/** JSON text of events as it was received, in UTF-8, and where the event that is being read has its members. */
export interface EventText {
  readonly bytes: Buffer;
  /** Over the same bytes. */
  readonly view: DataView;
  /** By slot, the index of the first quote of the member's name; −1 when white space follows the name. */
  readonly names: Int32Array;
  /** By slot, the index of the first byte of the member's value, or `absent`. */
  readonly values: Int32Array;
  /** By slot, the index after the member's value. */
  readonly ends: Int32Array;
  /** By slot, the one whose member followed in the event before: most often it does so again. */
  readonly followers: Int32Array;
  /** Those of the events read so far. */
  readonly userAgents: { readonly from: number; readonly to: number; readonly value: string }[];
  readonly stampedRuns: StampedRun[];
}

/** Members that stand side by side in many events of a request, encoded once. */
export interface StampedRun {
  readonly slots: readonly number[];
  readonly texts: readonly (string | undefined)[];
  readonly bytes: Buffer;
}

export const absent = -1;

/** @param bytes valid UTF-8 */
export function eventText(bytes: Buffer): EventText {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    names: new Int32Array(slotList.length),
    values: new Int32Array(slotList.length),
    ends: new Int32Array(slotList.length),
    followers: Int32Array.from(slotList, ({ index }) => (index + 1) % slotList.length),
    userAgents: [],
    stampedRuns: [],
  };
}

/** The text in quotes that is a member's value. */
export function ownText({ bytes, values, ends }: EventText, slot: number): string {
  return bytes.toString('utf8', (values[slot] ?? 0) + 1, (ends[slot] ?? 0) - 1);
}

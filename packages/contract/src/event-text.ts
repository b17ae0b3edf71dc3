import { isAscii } from 'node:buffer';
import { slotList } from './record-slots.ts';

/** JSON text of events as it was received, in UTF-8, and where the event that is being read has its members. */
export interface EventText {
  readonly bytes: Buffer;
  /** Over the same bytes. */
  readonly view: DataView;
  /** The bytes one by one, to be sliced without a copy. Only where they are ASCII is this the text. */
  readonly characters: string;
  readonly isAscii: boolean;
  /** By slot, the index of the first quote of the member's name, or one of the marks below. */
  readonly starts: Int32Array;
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
/** The member is there, but the draft has its text: its own bytes are not those of the canonical text. */
export const inDraft = -2;

/** @param bytes valid UTF-8 */
export function eventText(bytes: Buffer): EventText {
  return {
    bytes,
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    characters: bytes.toString('latin1'),
    isAscii: isAscii(bytes),
    starts: new Int32Array(slotList.length),
    ends: new Int32Array(slotList.length),
    followers: Int32Array.from(slotList, ({ index }) => (index + 1) % slotList.length),
    userAgents: [],
    stampedRuns: [],
  };
}

export function sliceOf(text: EventText, start: number, end: number): string {
  return text.isAscii ? text.characters.slice(start, end) : text.bytes.toString('utf8', start, end);
}

/** By slot of a text: from the name's first quote to the first byte of the value. */
export const valueOffsets: readonly number[] = slotList.map(({ name }) => name.length + 4);

import { reserve, type ByteWriter } from './byte-writer.ts';
import { emptyDraft, resetDraft, type Draft } from './draft.ts';
import type { PreparedText } from './prepared.ts';
import { slotList } from './record-slots.ts';

/**
 * JSON text of events as it was received, in UTF-8, and where the event that is being read has its members. One
 * event is read after the other into the same memory: at 100,000 events a second the garbage of each would cost as
 * much as reading it.
 */
export interface EventText {
  readonly bytes: Buffer;
  /** Begins with the same bytes: what is taken over from them is copied within it. */
  readonly out: ByteWriter;
  readonly draft: Draft;
  readonly event: EventMembers;
  readonly prepared: Writable<PreparedText>;
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

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The members of a parsed event that decide on more than their own field. */
export interface EventMembers {
  event_id: unknown;
  user_id: unknown;
  anonymous_id: unknown;
  user_agent: unknown;
  ip_address: unknown;
}

/** Members that stand side by side in many events of a request: where they were written first. */
export interface StampedRun {
  readonly slots: readonly number[];
  readonly texts: readonly (string | undefined)[];
  readonly start: number;
  readonly end: number;
}

export const absent = -1;

/**
 * @param source valid UTF-8; free again after this
 * @param out what is prepared of the events is written to it, after a copy of the source; it must not be used for
 *   anything else until they are read
 */
export function eventText(source: Buffer, out: ByteWriter): EventText {
  out.used = 0;
  reserve(out, source.length);
  source.copy(out.bytes);
  out.used = source.length;
  const bytes = out.bytes.subarray(0, source.length);
  return {
    bytes,
    out,
    draft: emptyDraft(),
    event: noMembers(),
    prepared: { end: 0, idStart: 0, idEnd: 0, keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 },
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    names: new Int32Array(slotList.length),
    values: new Int32Array(slotList.length),
    ends: new Int32Array(slotList.length),
    followers: Int32Array.from(slotList, ({ index }) => (index + 1) % slotList.length),
    userAgents: [],
    stampedRuns: [],
  };
}

function noMembers(): EventMembers {
  return {
    event_id: undefined,
    user_id: undefined,
    anonymous_id: undefined,
    user_agent: undefined,
    ip_address: undefined,
  };
}

/** Forgets the event before. */
export function beginEvent({ draft, event, values }: EventText): void {
  resetDraft(draft);
  event.event_id = undefined;
  event.user_id = undefined;
  event.anonymous_id = undefined;
  event.user_agent = undefined;
  event.ip_address = undefined;
  for (let index = 0; index < values.length; index += 1) values[index] = absent;
}

/** The text in quotes that is a member's value. */
export function ownText({ bytes, values, ends }: EventText, slot: number): string {
  return bytes.toString('utf8', (values[slot] ?? 0) + 1, (ends[slot] ?? 0) - 1);
}

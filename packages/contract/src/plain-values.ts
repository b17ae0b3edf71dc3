import { readTime, setTime, type Draft } from './draft.ts';
import type { EventText } from './event-text.ts';
import { byte } from './json-bytes.ts';
import { slotList, type Slot } from './record-slots.ts';
import { canonicalLength, canonicalTime, maxTimestampMs, minTimestampMs } from './timestamp.ts';

/** Values that stand in an event as the canonical text has them: judged without being parsed. */

/** Stands in a draft for a text that is to be copied from the event's own bytes; no JSON text is this one. */
export const asWritten = '\0';

/** Bytes to be looked for, at least four, four at a time. */
export interface Phrase {
  readonly length: number;
  readonly words: Int32Array;
  /** The last four bytes: what the words leave out, and what is before it. */
  readonly last: number;
}

export function phrase(text: string): Phrase {
  const bytes = Buffer.from(text);
  return {
    length: bytes.length,
    words: Int32Array.from({ length: bytes.length >> 2 }, (_, index) => bytes.readInt32LE(index * 4)),
    last: bytes.readInt32LE(bytes.length - 4),
  };
}

export function standsAt({ bytes, view }: EventText, at: number, { length, words, last }: Phrase): boolean {
  if (at + length > bytes.length) return false;
  for (let index = 0; index < words.length; index += 1) {
    if (view.getInt32(at + index * 4, true) !== words[index]) return false;
  }
  return view.getInt32(at + length - 4, true) === last;
}

/** Index of the closing quote; -1 when there is no string, or one with an escape or a control character. */
export function endOfPlainString({ bytes, view }: EventText, start: number): number {
  if (bytes[start] !== byte.quote) return -1;
  const last = bytes.length - 4;
  let at = start + 1;
  while (
    at <= last - 4 &&
    (specialBytes(view.getInt32(at, true)) | specialBytes(view.getInt32(at + 4, true))) === 0
  )
    at += 8;
  if (at <= last && specialBytes(view.getInt32(at, true)) === 0) at += 4;
  for (; at < bytes.length; at += 1) {
    const code = bytes[at] ?? 0;
    if (code === byte.quote) return at;
    if (code < byte.space || code === byte.backslash) return -1;
  }
  return -1;
}

/**
 * Not 0 when one of four bytes is a quote, a backslash or a control character: the classic test for bytes less
 * than n ("Bit Twiddling Hacks"), twice. With 0x02 turned over, the control characters and the quote are just those
 * below 0x21. Four at once take a fraction of the time of one by one.
 */
function specialBytes(word: number): number {
  const turned = word ^ 0x02020202;
  const backslashes = word ^ 0x5c5c5c5c;
  return (((turned - 0x21212121) & ~turned) | ((backslashes - 0x01010101) & ~backslashes)) & 0x80808080;
}

/** Index after a whole number as `String` writes it; -1 when that is not what stands there. */
function endOfPlainInteger(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === byte.dash ? start + 1 : start;
  const first = at;
  while (isDigit(bytes[at])) at += 1;
  const digits = at - first;
  if (digits === 0 || digits > 15) return -1;
  if (bytes[first] === byte.zero && (digits > 1 || first > start)) return -1;
  return endsNumber(bytes[at]) ? at : -1;
}

function isDigit(code: number | undefined): boolean {
  return code !== undefined && code >= byte.zero && code <= byte.nine;
}

/** Not so: a fraction, an exponent. */
function endsNumber(code: number | undefined): boolean {
  return code === byte.comma || code === byte.closeBrace || code === byte.space;
}

/**
 * Looks at a value where it stands. Returns the index after it; -1 when it must be parsed to be judged, which is
 * also so of whatever will be rejected.
 */
export function readPlain(text: EventText, start: number, draft: Draft, slot: Slot): number {
  if (!slot.fromClient) return -1;
  switch (slot.kind) {
    case 'text': {
      const close = endOfPlainString(text, start);
      const length = close - start - 1;
      if (close < 0 || length < slot.minBytes || length > slot.maxBytes) return -1;
      draft.texts[slot.index] = asWritten;
      return close + 1;
    }
    case 'member':
      return readPlainMember(text, start, draft, slot);
    case 'time':
      return readPlainTime(text, start, draft, slot);
    case 'integer':
      return readPlainInteger(text, start, draft, slot);
    case 'point':
      return readPlainPoint(text, start, draft, slot);
    default:
      return -1;
  }
}

function readPlainTime(text: EventText, start: number, draft: Draft, slot: Slot): number {
  const { bytes } = text;
  const canonicalEnd = start + 1 + canonicalLength;
  if (bytes[start] === byte.quote && bytes[canonicalEnd] === byte.quote) {
    // In that form there is nothing that would end the string before.
    const ms = canonicalTime(bytes, start + 1);
    if (ms >= minTimestampMs && ms <= maxTimestampMs) {
      setTime(draft, slot, ms);
      draft.texts[slot.index] = asWritten;
      return canonicalEnd + 1;
    }
  }
  const close = endOfPlainString(text, start);
  if (close < 0) return -1;
  readTime(draft, slot, bytes.toString('utf8', start + 1, close));
  return close + 1;
}

/** By slot: the values of a closed set, in quotes. */
const membersOf = slotList.map(({ values }) =>
  [...values].map((value) => ({ value, quoted: phrase(`"${value}"`) })),
);

function readPlainMember(text: EventText, start: number, draft: Draft, slot: Slot): number {
  for (const { value, quoted } of membersOf[slot.index] ?? []) {
    if (!standsAt(text, start, quoted)) continue;
    draft.eventType = value;
    draft.texts[slot.index] = asWritten;
    return start + quoted.length;
  }
  return -1;
}

/** Whether the plain whole number between two places is one that the field may hold. */
function isInRange(bytes: Uint8Array, start: number, end: number, { min, max }: Slot): boolean {
  const isNegative = bytes[start] === byte.dash;
  let value = 0;
  for (let at = isNegative ? start + 1 : start; at < end; at += 1)
    value = value * 10 + (bytes[at] ?? 0) - byte.zero;
  return isNegative ? -value >= min && -value <= max : value >= min && value <= max;
}

function readPlainInteger({ bytes }: EventText, start: number, draft: Draft, slot: Slot): number {
  const end = endOfPlainInteger(bytes, start);
  if (end < 0 || !isInRange(bytes, start, end, slot)) return -1;
  draft.texts[slot.index] = asWritten;
  return end;
}

const pointX = phrase('{"x":');
const pointY = phrase(',"y":');

function readPlainPoint(text: EventText, start: number, draft: Draft, slot: Slot): number {
  const { bytes } = text;
  const x = start + pointX.length;
  if (!standsAt(text, start, pointX)) return -1;
  const xEnd = endOfPlainInteger(bytes, x);
  if (xEnd < 0 || !isInRange(bytes, x, xEnd, slot) || !standsAt(text, xEnd, pointY)) return -1;
  const y = xEnd + pointY.length;
  const yEnd = endOfPlainInteger(bytes, y);
  if (yEnd < 0 || !isInRange(bytes, y, yEnd, slot) || bytes[yEnd] !== byte.closeBrace) return -1;
  draft.texts[slot.index] = asWritten;
  return yEnd + 1;
}

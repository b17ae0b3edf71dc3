import { emptyDraft, readMember, type Draft } from './draft.ts';
import { absent, inDraft, sliceOf, valueOffsets, type EventText } from './event-text.ts';
import { checkProperties } from './field-checks.ts';
import { byte, endOfValue, skipSpace } from './json-bytes.ts';
import { parseEventJson } from './json-text.ts';
import { asWritten, endOfPlainString, readPlain, standsAt } from './plain-values.ts';
import { at as slotAt, slotList, type Slot } from './record-slots.ts';

/**
 * Reads events from the bytes they came in. Nearly every member of nearly every event is already what the
 * canonical text says of it: it is looked at where it stands, to be copied. What is not (escapes, properties,
 * unknown fields, odd numbers) is parsed by itself, and read by the functions that read a parsed event.
 */

/** The members of a parsed event that decide on more than their own field. */
export interface EventMembers {
  event_id: unknown;
  user_id: unknown;
  anonymous_id: unknown;
  user_agent: unknown;
  ip_address: unknown;
}

export interface EventTextDraft {
  readonly draft: Draft;
  /** Those that are not copied, and what the sender's address and browser are made of. */
  readonly event: Readonly<EventMembers>;
  /** Index after the event. */
  readonly end: number;
}

/**
 * Reads the event that begins at `from`. Undefined when that is no object, or one to be parsed as a whole: with
 * a name twice, with an escaped one, with one that JavaScript puts in another place.
 *
 * @throws RejectedError, SyntaxError
 */
export function readEventText(text: EventText, from: number): EventTextDraft | undefined {
  const { bytes, starts, ends, followers } = text;
  if (bytes[from] !== byte.openBrace) return undefined;
  const draft = emptyDraft();
  const event: EventMembers = {
    event_id: undefined,
    user_id: undefined,
    anonymous_id: undefined,
    user_agent: undefined,
    ip_address: undefined,
  };
  let unknown: string[] | undefined;
  for (let index = 0; index < starts.length; index += 1) starts[index] = absent;
  let previous = slotList.length - 1;
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === byte.closeBrace) return { draft, event, end: at + 1 };
  for (;;) {
    const nameAt = at;
    let slot = slotList[followers[previous] ?? 0];
    let isCompact = slot !== undefined && standsAt(bytes, at, names[slot.index]);
    if (isCompact && slot !== undefined) at += slot.name.length + 3;
    else {
      const nameEnd = endOfPlainString(text, nameAt);
      if (nameEnd < 0) return undefined;
      at = skipSpace(bytes, nameEnd + 1);
      if (bytes[at] !== byte.colon) return undefined;
      isCompact = at === nameEnd + 1;
      at += 1;
      slot = slotNamed(bytes, nameAt + 1, nameEnd);
      if (slot === undefined) {
        const name = sliceOf(text, nameAt + 1, nameEnd);
        if (isArrayIndexLike(name) || unknown?.includes(name) === true) return undefined;
        if ((unknown ??= []).push(name) > mostUnknown) return undefined;
        at = readUnknown(text, skipSpace(bytes, at), draft, name);
      } else {
        followers[previous] = slot.index;
      }
    }
    if (slot !== undefined) {
      const { index } = slot;
      if (starts[index] !== absent) return undefined;
      previous = index;
      const valueAt = skipSpace(bytes, at);
      if (valueAt !== at) isCompact = false;
      at = readPlain(text, valueAt, draft, slot);
      if (at < 0) {
        starts[index] = inDraft;
        at = readParsed(text, valueAt, draft, slot, event);
      } else if (isCompact && draft.texts[index] !== undefined) {
        starts[index] = nameAt;
        ends[index] = at;
      } else {
        starts[index] = inDraft;
        if (draft.texts[index] === asWritten) takeOut(text, valueAt, at, draft, slot, event);
      }
    }
    at = skipSpace(bytes, at);
    if (bytes[at] === byte.closeBrace) break;
    if (bytes[at] !== byte.comma) return undefined;
    at = skipSpace(bytes, at + 1);
  }
  event.user_agent ??= ownUserAgent(text);
  event.ip_address ??= ownText(text, slotAt.ipAddress);
  return { draft, event, end: at + 1 };
}

/** With more, a look at each for every other one would cost more than parsing the whole. */
const mostUnknown = 16;

/** JavaScript puts members with such names before all others. */
function isArrayIndexLike(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= byte.zero && code <= byte.nine;
}

/** By slot: the name in quotes, and the colon. */
const names: readonly Buffer[] = slotList.map(({ name }) => Buffer.from(`"${name}":`));

function slotNamed(bytes: Uint8Array, start: number, end: number): Slot | undefined {
  for (const slot of slotList) {
    if (slot.name.length === end - start && standsAt(bytes, start - 1, quotedNames[slot.index])) return slot;
  }
  return undefined;
}

const quotedNames: readonly Buffer[] = names.map((name) => name.subarray(0, -1));

/** Deeper than any contract allows. */
const deepest = 1_000;

/** @throws SyntaxError */
function endOf({ bytes }: EventText, start: number): number {
  const end = endOfValue(bytes, start, deepest);
  if (end === undefined) throw new SyntaxError('nested too deep');
  return end;
}

/** @throws SyntaxError */
function parsed({ bytes }: EventText, start: number, end: number): unknown {
  return parseEventJson(bytes.toString('utf8', start, end));
}

function readParsed(text: EventText, start: number, draft: Draft, slot: Slot, event: EventMembers): number {
  const { name } = slot;
  const end = endOf(text, start);
  const value = parsed(text, start, end);
  readMember(draft, slot, name, value, false, checkProperties);
  if (isOwnName(name, event)) event[name] = value;
  return end;
}

function readUnknown(text: EventText, start: number, draft: Draft, name: string): number {
  const close = endOfPlainString(text, start);
  const end = close < 0 ? endOf(text, start) : close + 1;
  const value = close < 0 ? parsed(text, start, end) : sliceOf(text, start + 1, close);
  readMember(draft, undefined, name, value, false, checkProperties);
  return end;
}

/** White space stands before the value: that alone is as the canonical text has it. */
function takeOut(
  text: EventText,
  start: number,
  end: number,
  draft: Draft,
  slot: Slot,
  event: EventMembers,
): void {
  const { name } = slot;
  const value = slot.isQuoted ? sliceOf(text, start + 1, end - 1) : sliceOf(text, start, end);
  draft.texts[slot.index] = value;
  if (isOwnName(name, event)) event[name] = value;
}

function isOwnName(name: string, event: EventMembers): name is keyof EventMembers {
  return name in event;
}

/** The value of a text field that stands in the event as in the canonical text. */
function ownText(text: EventText, index: number): string | undefined {
  const start = text.starts[index] ?? absent;
  if (start < 0) return undefined;
  return sliceOf(text, start + (valueOffsets[index] ?? 0), (text.ends[index] ?? 0) - 1);
}

/**
 * The events of a request come from few browsers: of one that was seen before this gives the same string, whose
 * hash is then known.
 */
function ownUserAgent(text: EventText): string | undefined {
  const start = text.starts[slotAt.userAgent] ?? absent;
  if (start < 0) return undefined;
  const from = start + (valueOffsets[slotAt.userAgent] ?? 0);
  const to = (text.ends[slotAt.userAgent] ?? 0) - 1;
  const { userAgents } = text;
  for (const known of userAgents) {
    if (known.to - known.from === to - from && isSame(text, known.from, from, to - from)) return known.value;
  }
  const value = sliceOf(text, from, to);
  if (userAgents.length < mostUserAgents) userAgents.push({ from, to, value });
  return value;
}

const mostUserAgents = 8;

function isSame({ bytes, view }: EventText, one: number, other: number, length: number): boolean {
  let at = 0;
  for (; at <= length - 4; at += 4) {
    if (view.getInt32(one + at, true) !== view.getInt32(other + at, true)) return false;
  }
  for (; at < length; at += 1) if (bytes[one + at] !== bytes[other + at]) return false;
  return true;
}

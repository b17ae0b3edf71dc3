import { readMember, type Draft } from './draft.ts';
import { absent, beginEvent, ownText, type EventMembers, type EventText } from './event-text.ts';
import { checkProperties } from './field-checks.ts';
import { byte, endOfValue, skipSpace } from './json-bytes.ts';
import { parseEventJson } from './json-text.ts';
import { asWritten, endOfPlainString, phrase, readPlain, standsAt, type Phrase } from './plain-values.ts';
import { at as slotAt, slotList, type Slot } from './record-slots.ts';

/**
 * Reads events from the bytes they came in. Nearly every member of nearly every event is already what the
 * canonical text says of it: it is looked at where it stands, to be copied. What is not (escapes, properties,
 * unknown fields, odd numbers) is parsed by itself, and read by the functions that read a parsed event.
 */

/**
 * Reads the event that begins at `from` into the text's draft; returns the index after it. −1 when that is no
 * object, or one to be parsed as a whole: with a name twice, with an escaped one, with one that JavaScript puts in
 * another place.
 *
 * @throws RejectedError, SyntaxError
 */
export function readEventText(text: EventText, from: number): number {
  const { bytes, names, values, ends, followers, draft, event } = text;
  if (bytes[from] !== byte.openBrace) return -1;
  beginEvent(text);
  let unknown: string[] | undefined;
  let previous = slotList.length - 1;
  let at = skipSpace(bytes, from + 1);
  if (bytes[at] === byte.closeBrace) return at + 1;
  for (;;) {
    const nameAt = at;
    const follower = followers[previous] ?? 0;
    let slot = slotList[follower];
    const name = memberNames[follower];
    let isCompact = name !== undefined && standsAt(text, at, name);
    if (isCompact) at += name?.length ?? 0;
    else {
      const nameEnd = endOfPlainString(text, nameAt);
      if (nameEnd < 0) return -1;
      at = skipSpace(bytes, nameEnd + 1);
      if (bytes[at] !== byte.colon) return -1;
      isCompact = at === nameEnd + 1;
      at += 1;
      slot = slotNamed(text, nameAt, nameEnd + 1 - nameAt);
      if (slot === undefined) {
        const own = bytes.toString('utf8', nameAt + 1, nameEnd);
        if (isArrayIndexLike(own) || unknown?.includes(own) === true) return -1;
        if ((unknown ??= []).push(own) > mostUnknown) return -1;
        at = readUnknown(text, skipSpace(bytes, at), draft, own);
      } else {
        followers[previous] = slot.index;
      }
    }
    if (slot !== undefined) {
      const { index } = slot;
      if (values[index] !== absent) return -1;
      previous = index;
      const valueAt = skipSpace(bytes, at);
      names[index] = isCompact && valueAt === at ? nameAt : -1;
      values[index] = valueAt;
      at = readPlain(text, valueAt, draft, slot);
      if (at < 0) at = readParsed(text, valueAt, draft, slot, event);
      ends[index] = at;
    }
    at = skipSpace(bytes, at);
    if (bytes[at] === byte.closeBrace) break;
    if (bytes[at] !== byte.comma) return -1;
    at = skipSpace(bytes, at + 1);
  }
  const { texts } = draft;
  if (texts[slotAt.userAgent] === asWritten) event.user_agent = ownUserAgent(text);
  if (texts[slotAt.ipAddress] === asWritten) event.ip_address = ownText(text, slotAt.ipAddress);
  return at + 1;
}

/** With more, a look at each for every other one would cost more than parsing the whole. */
const mostUnknown = 16;

/** JavaScript puts members with such names before all others. */
function isArrayIndexLike(name: string): boolean {
  const code = name.charCodeAt(0);
  return code >= byte.zero && code <= byte.nine;
}

/** By slot: the name in quotes, with and without the colon. */
const memberNames: readonly Phrase[] = slotList.map(({ name }) => phrase(`"${name}":`));
const quotedNames: readonly Phrase[] = slotList.map(({ name }) => phrase(`"${name}"`));

/** @param start of the name's first quote */
function slotNamed(text: EventText, start: number, length: number): Slot | undefined {
  for (const slot of slotList) {
    const name = quotedNames[slot.index];
    if (name?.length === length && standsAt(text, start, name)) return slot;
  }
  return undefined;
}

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
  const value = close < 0 ? parsed(text, start, end) : text.bytes.toString('utf8', start + 1, close);
  readMember(draft, undefined, name, value, false, checkProperties);
  return end;
}

function isOwnName(name: string, event: EventMembers): name is keyof EventMembers {
  return name in event;
}

/**
 * The events of a request come from few browsers: of one that was seen before this gives the same string, whose
 * hash is then known.
 */
function ownUserAgent(text: EventText): string {
  const from = text.values[slotAt.userAgent] ?? 0;
  const to = text.ends[slotAt.userAgent] ?? 0;
  const { userAgents } = text;
  for (const known of userAgents) {
    if (known.to - known.from === to - from && isSame(text, known.from, from, to - from)) return known.value;
  }
  const value = ownText(text, slotAt.userAgent);
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

/**
 * Times as text (S2.2, S2.3). The grammar, here and in the SQL predicate:
 *
 *     YYYY-MM-DD ( "T" | "t" | " " ) HH:MM [ ":" SS [ "." 1–9 digits ] ] [ "Z" | "z" | ±HH | ±HHMM | ±HH:MM ]
 *
 * with a day that exists in the Gregorian calendar, hours 00–23, minutes and seconds 00–59 (so neither 24:00
 * nor a leap second). No offset means UTC. Digits beyond milliseconds are cut off. Numbers are not times: S2.1
 * knows no coercion, and seconds and milliseconds could not be told apart.
 *
 * `Date.parse` is not used: it reads a missing offset as local time, and accepts forms that differ by engine.
 */

/** First and last instant that every engine we feed stores alike. */
export const minTimestampMs = 0;
export const maxTimestampMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const dayMs = 86_400_000;
const minuteMs = 60_000;

const char = {
  zero: 48,
  nine: 57,
  colon: 58,
  dash: 45,
  plus: 43,
  dot: 46,
  T: 84,
  t: 116,
  Z: 90,
  z: 122,
  space: 32,
};

/** Value of the two digits at `at`, or NaN, which every later comparison rejects. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - char.zero;
  const ones = text.charCodeAt(at + 1) - char.zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

/** Days from 1970-01-01, or NaN when the calendar has no such day. */
function dayNumber(year: number, month: number, day: number): number {
  const before = daysBefore[month - 1];
  const until = daysBefore[month];
  if (before === undefined || until === undefined || Number.isNaN(year)) return NaN;
  const leap = isLeap(year);
  const length = until - before + (leap && month === 2 ? 1 : 0);
  if (!(day >= 1 && day <= length)) return NaN;
  const past = year - 1;
  const leapDays = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) - 477;
  return (year - 1970) * 365 + leapDays + before + (leap && month > 2 ? 1 : 0) + day - 1;
}

/** Offset from UTC in milliseconds of `text` from `at` to its end, or NaN. */
function parseOffset(text: string, at: number): number {
  const left = text.length - at;
  if (left === 0) return 0;
  const sign = text.charCodeAt(at);
  if (left === 1) return sign === char.Z || sign === char.z ? 0 : NaN;
  if (sign !== char.plus && sign !== char.dash) return NaN;
  const hours = twoDigits(text, at + 1);
  let minutes = NaN;
  if (left === 3) minutes = 0;
  else if (left === 5) minutes = twoDigits(text, at + 3);
  else if (left === 6 && text.charCodeAt(at + 3) === char.colon) minutes = twoDigits(text, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  const offset = (hours * 60 + minutes) * minuteMs;
  return sign === char.dash ? -offset : offset;
}

/**
 * Milliseconds since the epoch, or NaN when the text is not of the grammar above. May lie outside
 * `minTimestampMs`…`maxTimestampMs`.
 */
export function parseTimestamp(text: string): number {
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const days = dayNumber(year, twoDigits(text, 5), twoDigits(text, 8));
  const separator = text.charCodeAt(10);
  const hours = twoDigits(text, 11);
  const minutes = twoDigits(text, 14);
  const shaped =
    text.charCodeAt(4) === char.dash &&
    text.charCodeAt(7) === char.dash &&
    (separator === char.T || separator === char.t || separator === char.space) &&
    text.charCodeAt(13) === char.colon &&
    hours <= 23 &&
    minutes <= 59;
  if (!shaped) return NaN;

  let at = 16;
  let seconds = 0;
  let milliseconds = 0;
  if (text.charCodeAt(at) === char.colon) {
    seconds = twoDigits(text, at + 1);
    if (!(seconds <= 59)) return NaN;
    at += 3;
    if (text.charCodeAt(at) === char.dot) {
      const first = ++at;
      for (let scale = 100; isDigit(text.charCodeAt(at)); at++, scale = Math.floor(scale / 10)) {
        milliseconds += (text.charCodeAt(at) - char.zero) * scale;
      }
      const digits = at - first;
      if (digits < 1 || digits > 9) return NaN;
    }
  }
  return (
    days * dayMs + (hours * 60 + minutes) * minuteMs + seconds * 1000 + milliseconds - parseOffset(text, at)
  );
}

function isDigit(code: number): boolean {
  return code >= char.zero && code <= char.nine;
}

/** Bytes of the form that `timestampText` writes. */
export const canonicalLength = 24;

/** As `parseTimestamp`, of bytes in the canonical form; NaN for every other. */
export function canonicalTime(bytes: Uint8Array, at: number): number {
  const hours = twoDigitsAt(bytes, at + 11);
  const minutes = twoDigitsAt(bytes, at + 14);
  const seconds = twoDigitsAt(bytes, at + 17);
  const milliseconds = ((bytes[at + 20] ?? 0) - char.zero) * 100 + twoDigitsAt(bytes, at + 21);
  const shaped =
    bytes[at + 4] === char.dash &&
    bytes[at + 7] === char.dash &&
    bytes[at + 10] === char.T &&
    bytes[at + 13] === char.colon &&
    bytes[at + 16] === char.colon &&
    bytes[at + 19] === char.dot &&
    isDigit(bytes[at + 20] ?? 0) &&
    bytes[at + 23] === char.Z &&
    hours <= 23 &&
    minutes <= 59 &&
    seconds <= 59;
  if (!shaped) return NaN;
  const year = twoDigitsAt(bytes, at) * 100 + twoDigitsAt(bytes, at + 2);
  const days = dayNumber(year, twoDigitsAt(bytes, at + 5), twoDigitsAt(bytes, at + 8));
  return days * dayMs + (hours * 60 + minutes) * minuteMs + seconds * 1000 + milliseconds;
}

/** As `twoDigits`. */
function twoDigitsAt(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - char.zero;
  const ones = (bytes[at + 1] ?? 0) - char.zero;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

const padded = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));
let datePart = { day: NaN, text: '' };

/** Whether a text that `parseTimestamp` can read is in the form that `timestampText` writes. */
export function isCanonicalForm(text: unknown): text is string {
  return (
    typeof text === 'string' &&
    text.length === canonicalLength &&
    text.charCodeAt(10) === char.T &&
    text.charCodeAt(23) === char.Z
  );
}

/** The canonical text. `ms` must lie in `minTimestampMs`…`maxTimestampMs`. */
export function timestampText(ms: number): string {
  const day = Math.floor(ms / dayMs);
  // Nearly all times of a moment share their day: formatting it once makes this five times as fast.
  if (day !== datePart.day) datePart = { day, text: new Date(day * dayMs).toISOString().slice(0, 11) };
  const inDay = ms - day * dayMs;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return `${datePart.text}${pad2(hours)}:${pad2(minutes - hours * 60)}:${pad2(seconds - minutes * 60)}.${padded[inDay - seconds * 1000] ?? ''}Z`;
}

const pairs = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));

function pad2(n: number): string {
  return pairs[n] ?? '';
}

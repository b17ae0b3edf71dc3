import { isRawJson, parseJsonExactly } from './exact-json.ts';
import { RejectedError } from './rejection.ts';

/**
 * Finds every text in which a number may lose something: 16 digits or an exponent, where a value may stand. A
 * false alarm, inside a string, only costs time.
 */
const riskyNumber = /[:,[][ \t\r\n]*-?\d(?:[\d.]{15}|[\d.]*[eE])/;
const loneNumber = /^[ \t\r\n]*-?\d/;
/** Finds every text in which a member's name contains an escape; a false alarm, as above. */
const escapedName = /[{,][ \t\r\n]*"[^"\\]*\\/;

/**
 * `JSON.parse` without loss (S1.4): numbers that a double can't hold come back as `JSON.rawJSON` objects, and
 * names are as they stand in the text. Costs one scan of the text when neither occurs.
 * @throws SyntaxError when the text is not JSON, or is such a text and nested a thousand deep
 */
export function parseEventJson(text: string): unknown {
  const needsExactness =
    riskyNumber.test(text) || loneNumber.test(text) || (text.includes('\\') && escapedName.test(text));
  return needsExactness ? parseJsonExactly(text) : JSON.parse(text);
}

/** What JSON escapes, and surrogates, which may be unpaired. */
const needsCare = /["\\\u0000-\u001f\ud800-\udfff]/;

/**
 * A string as it stands between the quotes in JSON.
 * @throws RejectedError `invalid_unicode` on a lone surrogate, which UTF-8, DuckDB and Parquet can't hold.
 */
export function escapeJson(text: string, field: string | null): string {
  if (!needsCare.test(text)) return text;
  if (!text.isWellFormed()) {
    throw new RejectedError('invalid_unicode', field, 'A string contains half of a surrogate pair.');
  }
  return JSON.stringify(text).slice(1, -1);
}

/** A string as JSON; throws as `escapeJson`. */
export function quoteJson(text: string, field: string | null): string {
  return `"${escapeJson(text, field)}"`;
}

/**
 * Any parsed JSON value as text, names in their own order, raw numbers as they were.
 * @param depth how much deeper objects and arrays may nest
 * @throws RejectedError `too_deep`, `invalid_unicode`
 */
export function writeJson(value: unknown, depth: number, field: string): string {
  switch (typeof value) {
    case 'string':
      return quoteJson(value, field);
    case 'number':
      return Number.isFinite(value) ? String(value) : 'null';
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return value.toString();
    case 'object':
      break;
    default:
      return 'null';
  }
  if (value === null) return 'null';
  if (isRawJson(value)) return value.rawJSON;
  if (depth <= 0) throw new RejectedError('too_deep', field, 'Objects and arrays are nested too deep.');
  if (Array.isArray(value)) return `[${value.map((item) => writeJson(item, depth - 1, field)).join(',')}]`;
  let members = '';
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${quoteJson(name, field)}:${writeJson(member, depth - 1, field)}`;
  }
  return `{${members}}`;
}

/** Length in UTF-8 bytes of a well-formed string. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // A surrogate pair is two units and four bytes; every other unit from U+0800 on is three.
    bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

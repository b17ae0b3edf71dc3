import { isUtf8 } from 'node:buffer';
import { parseEventJson } from '@clicklake/contract';
import { arrayElementRanges, nestsDeeperThan, type ByteRange } from './json-scanner.ts';
import { Refusal } from './refusal.ts';

export type BodyFormat = 'json' | 'ndjson';

/** Stands for a line that is not JSON: no parsed value is ever this one. */
export const unparseable: unique symbol = Symbol('unparseable');

/** The events of a body, in the order sent. */
export interface ReceivedEvents {
  /** Parsed values; `unparseable` for a line of NDJSON that is not JSON. */
  readonly values: readonly unknown[];
  /** No backslash anywhere: no string of an event needs escaping. */
  readonly escapeFree: boolean;
  /** The exact bytes received for one of them. */
  bytesOf(index: number): Uint8Array;
}

/** Why a body as a whole is not JSON: it becomes one dead letter. */
export interface UnparseableBody {
  readonly reason: 'malformed_json' | 'too_deep';
  readonly message: string;
}

/**
 * text/plain is what a page can send without a preflight, and what SDKs send JSON as.
 *
 * @throws Refusal `media-type-unsupported`.
 */
export function bodyFormatOf(contentType: string | undefined): BodyFormat {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'application/json' || mediaType === 'text/plain') return 'json';
  if (mediaType === 'application/x-ndjson' || mediaType === 'application/ndjson') return 'ndjson';
  throw new Refusal({
    code: 'media-type-unsupported',
    message:
      mediaType === '' ? 'The Content-Type is missing.' : `Content-Type "${mediaType}" is not supported.`,
    hint: 'Use application/json for one event or an array, application/x-ndjson for one event a line.',
  });
}

/**
 * Parses a body once.
 *
 * @throws Refusal `too-many-events`.
 */
export function parseBody(
  body: Buffer,
  format: BodyFormat,
  maxEvents: number,
): ReceivedEvents | UnparseableBody {
  return format === 'ndjson' ? parseLines(body, maxEvents) : parseDocument(body, maxEvents);
}

/** Above this many bytes a body is looked at for absurd nesting before `JSON.parse` sees it. */
const bytesParsedBlindly = 64 * 1024;
/** Far above any contract's `maxDepth`: what is below gets its verdict event by event. */
const maxBodyDepth = 1_000;

function isTooDeep(bytes: Uint8Array): boolean {
  return bytes.length > bytesParsedBlindly && nestsDeeperThan(bytes, maxBodyDepth);
}

function parseDocument(body: Buffer, maxEvents: number): ReceivedEvents | UnparseableBody {
  if (!isUtf8(body)) return { reason: 'malformed_json', message: 'The body is not UTF-8.' };
  if (isTooDeep(body)) return tooDeep;
  let value: unknown;
  try {
    value = parseEventJson(body.toString('utf8'));
  } catch (error) {
    if (error instanceof RangeError) return tooDeep;
    return { reason: 'malformed_json', message: 'The body is not JSON.' };
  }
  const escapeFree = isEscapeFree(body);
  if (!Array.isArray(value)) return { values: [value], escapeFree, bytesOf: () => body };
  checkCount(value.length, maxEvents);
  // Only a rejected event needs its bytes: a body without any is never scanned.
  let ranges: readonly ByteRange[] | undefined;
  return {
    values: value,
    escapeFree,
    bytesOf(index) {
      ranges ??= arrayElementRanges(body);
      return slice(body, ranges[index]);
    },
  };
}

const tooDeep: UnparseableBody = { reason: 'too_deep', message: 'Objects and arrays are nested too deep.' };

function parseLines(body: Buffer, maxEvents: number): ReceivedEvents {
  const ranges: ByteRange[] = [];
  const values: unknown[] = [];
  const allUtf8 = isUtf8(body);
  for (let from = 0; from < body.length;) {
    const newline = body.indexOf(0x0a, from);
    const to = newline === -1 ? body.length : newline;
    if (!isBlank(body, from, to)) {
      checkCount(values.length + 1, maxEvents);
      ranges.push({ from, to });
      values.push(parseLine(body, from, to, allUtf8));
    }
    from = to + 1;
  }
  // A line that is no UTF-8 has no value: the strings of those that have one are well-formed.
  return { values, escapeFree: isEscapeFree(body), bytesOf: (index) => slice(body, ranges[index]) };
}

function isEscapeFree(body: Buffer): boolean {
  return !body.includes(0x5c);
}

function parseLine(body: Buffer, from: number, to: number, knownUtf8: boolean): unknown {
  if (!knownUtf8 && !isUtf8(body.subarray(from, to))) return unparseable;
  if (isTooDeep(body.subarray(from, to))) return unparseable;
  try {
    return parseEventJson(body.toString('utf8', from, to));
  } catch {
    return unparseable;
  }
}

function isBlank(body: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = body[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

function checkCount(count: number, maxEvents: number): void {
  if (count <= maxEvents) return;
  throw new Refusal({
    code: 'too-many-events',
    message: `The body has more than ${maxEvents} events; nothing of it was stored.`,
    hint: 'Send fewer events per request.',
    details: { limit: maxEvents },
  });
}

function slice(body: Buffer, range: ByteRange | undefined): Uint8Array {
  return range === undefined ? body : body.subarray(range.from, range.to);
}

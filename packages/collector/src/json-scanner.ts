const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Bytes `from` to `to` (exclusive) of a body. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Where the elements of a JSON array stand, without the white space around them, so that a rejected one can be
 * kept as the exact bytes received (S1.3). The body must be valid JSON and an array.
 */
export function arrayElementRanges(body: Uint8Array): ByteRange[] {
  const ranges: ByteRange[] = [];
  let depth = 0;
  let from = -1;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at);
    else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth === 1) from = at + 1;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth -= 1;
      if (depth === 0) addTrimmed(ranges, body, from, at);
    } else if (byte === comma && depth === 1) {
      addTrimmed(ranges, body, from, at);
      from = at + 1;
    }
  }
  return ranges;
}

/**
 * Whether brackets are nested deeper than `limit` anywhere, in any bytes. `JSON.parse` takes a gigabyte and
 * seconds for some megabytes of `[`, so big bodies are looked at before it sees them.
 */
export function nestsDeeperThan(body: Uint8Array, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at);
    else if (byte === openBracket || byte === openBrace) {
      depth += 1;
      if (depth > limit) return true;
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1;
  }
  return false;
}

/** Index of the closing quote of the string that opens at `start`; the body's length when it never closes. */
function endOfString(body: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < body.length && body[at] !== quote) at += body[at] === backslash ? 2 : 1;
  return at;
}

function addTrimmed(ranges: ByteRange[], body: Uint8Array, from: number, to: number): void {
  let start = from;
  let end = to;
  while (start < end && isWhiteSpace(body[start])) start += 1;
  while (end > start && isWhiteSpace(body[end - 1])) end -= 1;
  // Only the empty array has an empty element.
  if (start < end) ranges.push({ from: start, to: end });
}

function isWhiteSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Places in the bytes of JSON text. None of these functions decides what is JSON: the parser does. */

export const byte = {
  tab: 0x09,
  newline: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  comma: 0x2c,
  dash: 0x2d,
  zero: 0x30,
  one: 0x31,
  nine: 0x39,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  n: 0x6e,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

/** The first place from `at` on that is not white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  while (isSpace(bytes[next])) next += 1;
  return next;
}

function isSpace(code: number | undefined): boolean {
  return code === byte.space || code === byte.newline || code === byte.carriageReturn || code === byte.tab;
}

/** Index of the closing quote of the string that opens at `start`; the end of the bytes when it never closes. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== byte.quote) at += bytes[at] === byte.backslash ? 2 : 1;
  return Math.min(at, bytes.length);
}

/**
 * Index after the value that begins at `start`, if what is there is JSON: of a text that is not it may be any
 * later place. Brackets of both kinds count alike. Undefined when they nest deeper than `maxDepth`: the parser
 * takes a gigabyte and seconds for some megabytes of `[`.
 */
export function endOfValue(bytes: Uint8Array, start: number, maxDepth: number): number | undefined {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const code = bytes[at];
    if (code === byte.quote) {
      at = endOfString(bytes, at);
      if (depth === 0) return Math.min(at + 1, bytes.length);
    } else if (code === byte.openBracket || code === byte.openBrace) {
      depth += 1;
      if (depth > maxDepth) return undefined;
    } else if (code === byte.closeBracket || code === byte.closeBrace) {
      depth -= 1;
      if (depth === 0) return at + 1;
      // The bracket of what encloses a number or a literal.
      if (depth < 0) return at;
    } else if (depth === 0 && (code === byte.comma || isSpace(code))) return at;
  }
  return bytes.length;
}

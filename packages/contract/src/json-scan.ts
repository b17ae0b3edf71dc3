/** What a JSON text shows before it is parsed. */
export interface JsonScan {
  /** Deepest nesting of objects and arrays, brackets in strings not counted. */
  readonly depth: number;
  /** A string holds an escape of half a surrogate pair. */
  readonly loneSurrogate: boolean;
}

const surrogateEscape = /\\u[dD][89a-fA-F]/;
const pairOrEscape =
  /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u[dD]([89a-fA-F])|[^])/g;

/** Looks at the text of one JSON value; meaningful only if it then parses. */
export function scanJsonText(text: string): JsonScan {
  return { depth: depthOf(text), loneSurrogate: surrogateEscape.test(text) && hasLoneSurrogate(text) };
}

function hasLoneSurrogate(text: string): boolean {
  for (const match of text.matchAll(pairOrEscape)) if (match[1] !== undefined) return true;
  return false;
}

const char = { quote: 34, backslash: 92, openBracket: 91, closeBracket: 93, openBrace: 123, closeBrace: 125 };

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case char.quote:
        at = endOfString(text, at);
        break;
      case char.openBracket:
      case char.openBrace:
        if (++depth > deepest) deepest = depth;
        break;
      case char.closeBracket:
      case char.closeBrace:
        depth--;
    }
  }
  return deepest;
}

/** Index of the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === char.backslash) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/**
 * A JSON parser for the rare texts that `JSON.parse` does not do justice to: numbers that lose digits in a
 * double (S1.4), and member names with escapes, which V8 13.6 (Node 24) may confuse: once an object with a
 * name that contains a backslash has been parsed, `{"a":1,"\n":2}` can come out as `{"a":1,"\\":2}`.
 */

/** A JSON number kept as its token (`JSON.rawJSON`). */
export interface RawJson {
  readonly rawJSON: string;
}

// ES2024's library declarations predate raw JSON, which Node 24 has.
interface RawJsonFactory {
  rawJSON(text: string): RawJson;
  isRawJSON(value: unknown): value is RawJson;
}
const rawJsonFactory = JSON as unknown as RawJsonFactory;

export function isRawJson(value: unknown): value is RawJson {
  return rawJsonFactory.isRawJSON(value);
}

/** Far beyond any `maxDepth`, and well within the stack. */
const deepest = 1_000;

/** The next token, after white space: a string, a number or literal, or one structural character. */
const token = /[ \t\n\r]*("(?:[^"\\]|\\[^])*"|[^\s"[\]{},:]+|[[\]{},:])/y;

/**
 * The value of a text that `JSON.parse` accepts.
 * @throws SyntaxError when the text is not JSON, or nests deeper than any contract allows
 */
export function parseJsonExactly(text: string): unknown {
  // The standard parser decides what JSON is, so that both accept the same texts.
  JSON.parse(text);
  let at = 0;
  let depth = 0;
  const next = (): string => {
    token.lastIndex = at;
    const found = token.exec(text)?.[1] ?? '';
    at = token.lastIndex;
    return found;
  };

  const value = (first: string): unknown => {
    if (first === '{' || first === '[') {
      if (++depth > deepest) throw new SyntaxError(`JSON nested deeper than ${deepest}`);
      const nested = first === '{' ? object() : array();
      depth--;
      return nested;
    }
    if (first.startsWith('"')) return JSON.parse(first);
    return first === 'true' ? true : first === 'false' ? false : first === 'null' ? null : exactNumber(first);
  };

  const object = (): Record<string, unknown> => {
    const members: Record<string, unknown> = {};
    for (let name = next(); name !== '}'; name = next()) {
      if (name === ',') continue;
      next(); // the colon
      const key = JSON.parse(name) as string;
      const member = value(next());
      // Assignment would set the prototype instead.
      if (key === '__proto__') Object.defineProperty(members, key, { value: member, ...ownMember });
      else members[key] = member;
    }
    return members;
  };

  const array = (): unknown[] => {
    const items: unknown[] = [];
    for (let item = next(); item !== ']'; item = next()) if (item !== ',') items.push(value(item));
    return items;
  };

  return value(next());
}

const ownMember = { enumerable: true, configurable: true, writable: true };

/** The number, or its token when the number would say something else. */
function exactNumber(source: string): number | RawJson {
  const number = Number(source);
  return losesDigits(source, number) ? rawJsonFactory.rawJSON(source) : number;
}

const wholeNumber = /^-?\d+$/;

function losesDigits(source: string, number: number): boolean {
  // A large integer written out keeps its form even where a double happens to hit it.
  if (wholeNumber.test(source)) return !Number.isSafeInteger(number);
  return normalDecimal(source) !== normalDecimal(String(number));
}

/** One spelling per decimal number: significant digits without outer zeros, and the exponent of the last. */
function normalDecimal(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (match === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${scale}`;
}

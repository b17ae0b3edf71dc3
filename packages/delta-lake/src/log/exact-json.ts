/** JSON whose 64-bit integers and decimals survive: JavaScript's own parser rounds them to doubles. */

interface ReviverContext {
  readonly source?: string;
}
type SourceReviver = (this: unknown, key: string, value: unknown, context: ReviverContext) => unknown;

const nativeJson = JSON as unknown as {
  parse(text: string, reviver?: SourceReviver): unknown;
  rawJSON(text: string): unknown;
};

/** Like `JSON.parse`, but an integer that a double cannot hold becomes a bigint. */
export function parseExactJson(text: string): unknown {
  // The reviver triples the cost, so it runs only for texts that can hold such a number.
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return nativeJson.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
    return context.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  });
}

/** A number in its own digits for `JSON.stringify`: `rawNumber('12.30')` prints 12.30. */
export function rawNumber(digits: string): unknown {
  return nativeJson.rawJSON(digits);
}

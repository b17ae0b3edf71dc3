import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endOfValue, skipSpace } from '../src/json-bytes.ts';

const whiteSpace = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const value = fc.oneof(
  fc.json(),
  fc.jsonValue().map((given) => JSON.stringify(given, undefined, 2)),
  fc
    .string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', 'é', '𝄞') })
    .map((text) => JSON.stringify(text)),
);

test('a value ends where it ends, whatever is around it', () => {
  const after = fc.constantFrom(',', ']', '}', '');
  fc.assert(
    fc.property(whiteSpace, value, whiteSpace, after, (before, text, behind, next) => {
      const bytes = Buffer.from(`${before}${text}${behind}${next}${next === ',' ? text : ''}`);
      const start = skipSpace(bytes, 0);
      expect(start).toBe(before.length);
      expect(bytes.toString('utf8', start, endOfValue(bytes, start, Infinity))).toBe(text);
    }),
  );
});

test('nesting counts brackets outside strings', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (given) => {
      const bytes = Buffer.from(JSON.stringify(given));
      const depth = depthOf(given);
      expect(endOfValue(bytes, 0, depth)).toBe(bytes.length);
      if (depth > 0) expect(endOfValue(bytes, 0, depth - 1)).toBeUndefined();
    }),
  );
});

test('any bytes have an end', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(8), (bytes, start) => {
      const end = endOfValue(bytes, start, 3) ?? bytes.length;
      expect(end).toBeLessThanOrEqual(bytes.length);
    }),
  );
});

function depthOf(given: unknown): number {
  if (typeof given !== 'object' || given === null) return 0;
  return 1 + Math.max(0, ...Object.values(given).map(depthOf));
}

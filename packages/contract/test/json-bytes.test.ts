import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrayElementRanges, nestsDeeperThan } from '../src/json-scanner.ts';

const whiteSpace = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 });
const element = fc.oneof(
  fc.json(),
  fc.jsonValue().map((value) => JSON.stringify(value, undefined, 2)),
  fc
    .string({ unit: fc.constantFrom('"', '\\', '[', ']', '{', '}', ',', 'é', '𝄞') })
    .map((text) => JSON.stringify(text)),
);

test('the ranges of an array are its elements, byte for byte', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(whiteSpace, element, whiteSpace)), whiteSpace, (elements, outside) => {
      const inside = elements.map((parts) => parts.join('')).join(',');
      const body = Buffer.from(`${outside}[${inside}]${outside}`);
      const found = arrayElementRanges(body).map(({ from, to }) => body.toString('utf8', from, to));
      expect(found).toEqual(elements.map(([, text]) => text.trim()));
    }),
  );
});

test('nesting counts brackets outside strings, in any bytes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const body = Buffer.from(JSON.stringify(value));
      const depth = depthOf(value);
      expect(nestsDeeperThan(body, depth)).toBe(false);
      if (depth > 0) expect(nestsDeeperThan(body, depth - 1)).toBe(true);
    }),
  );
  fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof nestsDeeperThan(bytes, 3) === 'boolean'));
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

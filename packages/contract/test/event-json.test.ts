import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseEventJson } from '@clicklake/contract';

import { scanJsonText } from '../src/json-scan.ts';
import { writeJson } from '../src/json-text.ts';

const rewrite = (text: string): string => writeJson(parseEventJson(text), 100, 'a');

describe('parseEventJson', () => {
  it.each([
    '9007199254740993',
    '-12345678901234567890',
    '[1,123456789012345678901234567890,2]',
    '{"a":{"b":[18446744073709551615]}}',
    '{"a": 0.1234567890123456789}',
    '{"a":1e999}',
    '{"a":-1e-999}',
    '{"a":1.7976931348623157e400}',
    '{"a":\t10000000000000000000000}',
  ])('keeps the digits of %s (S1.4)', (text) => {
    expect(rewrite(text)).toBe(text.replaceAll(/\s/g, ''));
  });

  it.each([
    '9007199254740991',
    '0.1',
    '1e3',
    '1.50',
    '-0',
    '1e-7',
    '123456789012345.60',
    '5e-324',
    '100000000000000000000e-5',
  ])('gives a plain number for %s, which a double holds', (text) => {
    expect(parseEventJson(`[${text}]`)).toEqual([Number(text)]);
  });

  it('reads back what JSON.stringify wrote', () => {
    const value = fc.jsonValue({ stringUnit: 'binary' });
    fc.assert(
      fc.property(value, fc.constantFrom('', ' ', '\n'), (original, space) => {
        const text = JSON.stringify(original);
        expect(JSON.stringify(parseEventJson(space + text))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('refuses what JSON.parse refuses', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', ',', '"', '}', '1e', '00', '\\'),
        (json, position, damage) => {
          const at = position % json.length;
          const text = json.slice(0, at) + damage + json.slice(at + 1);
          let valid = true;
          try {
            JSON.parse(text);
          } catch {
            valid = false;
          }
          if (valid) parseEventJson(text);
          else expect(() => parseEventJson(text)).toThrow(SyntaxError);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('reads escaped names as they stand, whatever was parsed before', () => {
    JSON.parse(String.raw`{"a":1,"\\":2}`);
    expect(parseEventJson(String.raw`{"a":1,"\n":2}`)).toEqual({ a: 1, '\n': 2 });
    expect(parseEventJson(String.raw`{"a":1,  "\u0062":2}`)).toEqual({ a: 1, b: 2 });
  });

  it('refuses with a SyntaxError what is nested too deep to be taken apart', () => {
    const deep = (inner: string): string => '['.repeat(100_000) + inner + ']'.repeat(100_000);
    expect(() => parseEventJson(deep('12345678901234567890'))).toThrow(SyntaxError);
    expect(Array.isArray(parseEventJson(deep('1')))).toBe(true);
  });

  it('keeps a member named __proto__ as a member', () => {
    for (const text of ['{"__proto__":{"user_id":"x"}}', String.raw`{"\u005f_proto__":{"user_id":"x"}}`]) {
      const parsed = parseEventJson(text) as Record<string, unknown>;
      expect(Object.keys(parsed)).toEqual(['__proto__']);
      expect(parsed.user_id).toBeUndefined();
    }
  });

  it('takes the last of members with one name, on either path', () => {
    expect(parseEventJson('{"a":1,"b":2,"a":3}')).toEqual({ a: 3, b: 2 });
    expect(rewrite('{"a":12345678901234567890,"b":2,"a":12345678901234567891}')).toBe(
      '{"a":12345678901234567891,"b":2}',
    );
  });
});

describe('scanJsonText', () => {
  it.each([
    ['1', 0],
    ['[]', 1],
    ['[[],[[]]]', 3],
    ['{"a":[{"b":1}],"c":{}}', 3],
    ['"[[["', 0],
    [String.raw`["\"[[", {"[\\":[]}]`, 3],
  ])('finds the depth of %s', (text, depth) => {
    expect(scanJsonText(text).depth).toBe(depth);
  });

  it.each([
    [String.raw`"\ud83d\ude00"`, false],
    [String.raw`"\uD83D\uDE00\n"`, false],
    [String.raw`"\ud83d"`, true],
    [String.raw`"\ude00"`, true],
    [String.raw`"\ude00\ud83d"`, true],
    [String.raw`"\ud83d\ud83d\ude00"`, true],
    [String.raw`"\\ud83d"`, false],
    [String.raw`"\\\ud83d"`, true],
    [String.raw`{"\udc00":1}`, true],
  ])('finds half a surrogate pair in %s: %s', (text, lone) => {
    expect(scanJsonText(text).loneSurrogate).toBe(lone);
  });
});

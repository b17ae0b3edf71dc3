import { truncateIpAddress } from '@clicklake/contract';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactIpAddresses } from '../src/ip-redaction.ts';

const redact = (text: string): string => Buffer.from(redactIpAddresses(Buffer.from(text))).toString('utf8');
const address = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => !text.includes('%'));
const around = fc.constantFrom('', ' ', '"', '{"ip":"', 'x=', '/', '\n', 'é', '(', '@');

test('every address is truncated, wherever it stands', () => {
  fc.assert(
    fc.property(around, address, around, (before, ip, after) => {
      expect(redact(`${before}${ip}${after}`)).toBe(`${before}${truncateIpAddress(ip) ?? ''}${after}`);
    }),
  );
});

test('JSON escapes do not hide an address', () => {
  fc.assert(
    fc.property(address, fc.infiniteStream(fc.boolean()), (ip, escaped) => {
      const spelled = Array.from(ip, (character) =>
        escaped.next().value ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character,
      ).join('');
      const truncated = truncateIpAddress(ip);
      const expected = truncated === ip ? spelled : truncated;
      expect(redact(`"${spelled}"`)).toBe(`"${expected ?? ''}"`);
    }),
  );
});

test.each(['Chrome/120.0.6099.109 at 12:30:45', '{"a":1,"b":[1.25,2]}', 'time 2026-01-02T03:04:05.678Z'])(
  'other text stays as it is: %s',
  (text) => {
    expect(redact(text)).toBe(text);
  },
);

test('bytes that are not text stay as they are', () => {
  const bytes = Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x80]);
  expect(Buffer.from(redactIpAddresses(bytes))).toEqual(bytes);
});

test('megabytes of one long run take no more than a scan', () => {
  for (const unit of ['1.', '1:', '\\u002e', '"\\"', ':']) {
    const text = unit.repeat(500_000);
    expect(redact(text).length).toBe(text.length);
  }
});

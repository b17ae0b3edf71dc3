import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { parseTimestamp, timestampText } from '../src/timestamp.ts';
import { timeText } from './support/arbitraries.ts';

const utc = (iso: string): number => Date.parse(iso);

describe('parseTimestamp (S2.3)', () => {
  it.each([
    ['2026-06-01T12:00:00.123Z', '2026-06-01T12:00:00.123Z'],
    ['2026-06-01T12:00:00Z', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01t12:00z', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01 12:00:00', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01T12:00:00.1', '2026-06-01T12:00:00.100Z'],
    ['2026-06-01T12:00:00.12', '2026-06-01T12:00:00.120Z'],
    ['2026-06-01T12:00:00.9999', '2026-06-01T12:00:00.999Z'],
    ['2026-06-01T12:00:00.123456789Z', '2026-06-01T12:00:00.123Z'],
    ['2026-06-01T14:00:00+02', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01T17:30:00+0530', '2026-06-01T12:00:00.000Z'],
    ['2026-06-01T02:15:00-09:45', '2026-06-01T12:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['2000-02-29T23:59:59-00:00', '2000-02-29T23:59:59.000Z'],
    ['1970-01-01T00:00:00+00:01', '1969-12-31T23:59:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('reads %s', (text, instant) => {
    expect(parseTimestamp(text)).toBe(utc(instant));
  });

  it.each([
    ['no date', '12:00:00Z'],
    ['a date alone', '2026-06-01'],
    ['epoch milliseconds as text', '1780315200000'],
    ['an unknown day', '2026-02-29T00:00:00Z'],
    ['the 29th of February of a century', '1900-02-29T00:00:00Z'],
    ['day 0', '2026-06-00T00:00:00Z'],
    ['month 13', '2026-13-01T00:00:00Z'],
    ['hour 24', '2026-06-01T24:00:00Z'],
    ['minute 60', '2026-06-01T12:60:00Z'],
    ['a leap second', '2016-12-31T23:59:60Z'],
    ['a point without digits', '2026-06-01T12:00:00.Z'],
    ['ten digits', '2026-06-01T12:00:00.1234567890Z'],
    ['a comma', '2026-06-01T12:00:00,5Z'],
    ['a five-digit year', '12026-06-01T12:00:00Z'],
    ['a sign before the year', '+2026-06-01T12:00:00Z'],
    ['an offset of 24 hours', '2026-06-01T12:00:00+24:00'],
    ['an offset of 60 minutes', '2026-06-01T12:00:00+01:60'],
    ['one digit of offset', '2026-06-01T12:00:00+1'],
    ['a zone name', '2026-06-01T12:00:00 UTC'],
    ['space around', ' 2026-06-01T12:00:00Z'],
    ['a line after', '2026-06-01T12:00:00Z\n'],
    ['other digits', '２０２６-06-01T12:00:00Z'],
    ['RFC 2822', 'Mon, 01 Jun 2026 12:00:00 GMT'],
    ['nothing', ''],
  ])('refuses %s', (_what, text) => {
    expect(parseTimestamp(text)).toBeNaN();
  });

  it('agrees with Date.parse wherever that knows the form, a missing offset read as UTC', () => {
    let parsed = 0;
    fc.assert(
      fc.property(timeText, (text) => {
        const ms = parseTimestamp(text);
        if (Number.isNaN(ms)) return;
        parsed++;
        const [, day = '', time = '', fraction = '', offset = ''] =
          /^(.{10}).(.{5}(?::..)?)(?:\.(\d+))?(.*)$/.exec(text) ?? [];
        const seconds = time.length === 5 ? `${time}:00` : time;
        const [, sign = '+', hours = '00', minutes = '00'] = /^([+-])(..):?(..)?$/.exec(offset) ?? [];
        expect(ms).toBe(
          utc(`${day}T${seconds}.${fraction.padEnd(3, '0').slice(0, 3)}${sign}${hours}:${minutes}`),
        );
      }),
      { numRuns: 5_000 },
    );
    expect(parsed).toBeGreaterThan(100);
  });
});

describe('timestampText', () => {
  it('writes every instant as Date does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
        (date) => {
          expect(timestampText(date.getTime())).toBe(date.toISOString());
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

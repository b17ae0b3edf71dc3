import { createHash } from 'node:crypto';
import type { SimulatedRecord } from '@clicklake/simulator';
import { describe, expect, it } from 'vitest';
import { backFill, factsOf, intersection, live, monday } from './records.ts';

function hashOf(records: readonly SimulatedRecord[]): string {
  const hash = createHash('sha256');
  for (const record of records) hash.update(`${record.bytes}\n`);
  return hash.digest('hex').slice(0, 16);
}

describe('repeatability', () => {
  // Change these on purpose only: whoever compares runs across versions relies on them.
  it('gives the same bytes on every machine, in both modes', () => {
    expect({ backFill: hashOf(backFill(10_000, 7)), live: hashOf(live(10_000, 10)) }).toMatchInlineSnapshot(`
      {
        "backFill": "c8561fa70bebdf34",
        "live": "1043791edf75b3b6",
      }
    `);
  });

  it('gives equal records, labels included, for equal settings', () => {
    expect(backFill(2000, 3)).toEqual(backFill(2000, 3));
    expect(live(2000, 5)).toEqual(live(2000, 5));
  });

  it('gives other events for another seed, and for another start', () => {
    const ids = (records: readonly SimulatedRecord[]): Set<string> =>
      new Set(factsOf(records).map((event) => event.eventId));
    const first = ids(backFill(2000, 3));
    const time = { mode: 'back-fill', endAt: monday - 1, days: 3, events: 2000 } as const;
    expect(intersection(first, ids(backFill(2000, 3, { seed: 'other' })))).toEqual([]);
    expect(intersection(first, ids(backFill(2000, 3, { time })))).toEqual([]);
  });

  it('tells text seeds from number seeds', () => {
    expect(hashOf(backFill(100, 1, { seed: 1 }))).not.toBe(hashOf(backFill(100, 1, { seed: '1' })));
  });

  it('brings the same members back in a later run with the same seed', () => {
    const devicesByUser = (records: readonly SimulatedRecord[]): Map<string, Set<string>> => {
      const devices = new Map<string, Set<string>>();
      for (const { userId, anonymousId } of factsOf(records)) {
        if (userId === null) continue;
        devices.set(userId, (devices.get(userId) ?? new Set()).add(anonymousId));
      }
      return devices;
    };
    const members = 200;
    const time = { mode: 'live', startAt: monday + 1, eventsPerSecond: 1 } as const;
    const before = devicesByUser(backFill(8000, 7, { members }));
    const after = devicesByUser(live(8000, 1, { members, time }));
    const returning = [...after].filter(([user]) => before.has(user));
    expect(returning.length).toBeGreaterThan(100);
    const strangers = returning.filter(
      ([user, devices]) => intersection(devices, before.get(user) ?? new Set()).length === 0,
    );
    expect(strangers.length).toBeLessThan(returning.length / 4);
  });
});

import { createContract } from '@clicklake/contract';
import { malformedReasons, type EventFacts, type SimulatedRecord } from '@clicklake/simulator';
import { describe, expect, it } from 'vitest';
import { backFill, day, factsOf, hour, live } from './records.ts';

const rates = { duplicateRate: 0.05, malformedRate: 0.04, lateRate: 0.03, botRate: 0.06 };
const total = 40_000;
const records = backFill(total, 30, rates);
const events = factsOf(records);
const contract = createContract();

/** Five standard deviations of a share's estimate from `size` draws. */
function margin(share: number, size: number): number {
  return 5 * Math.sqrt((share * (1 - share)) / size);
}

function expectShare(found: number, of: number, rate: number, tolerance = margin(rate, of)): void {
  expect(found / of).toBeGreaterThan(rate - tolerance);
  expect(found / of).toBeLessThan(rate + tolerance);
}

describe('rates', () => {
  it('are held', () => {
    const ofKind = (kind: SimulatedRecord['kind']): number =>
      records.filter((record) => record.kind === kind).length;
    expectShare(ofKind('duplicate'), total, rates.duplicateRate);
    expectShare(ofKind('malformed'), total, rates.malformedRate);
    // Held by feedback, to within a visit.
    expectShare(events.filter((event) => event.lateBy > 0).length, events.length, rates.lateRate, 0.005);
    expectShare(events.filter((event) => event.isBot).length, events.length, rates.botRate, 0.01);
  });

  it('of zero mean none', () => {
    const none = { duplicateRate: 0, malformedRate: 0, lateRate: 0, botRate: 0, extraFieldRate: 0 };
    const clean = backFill(5000, 7, none);
    expect(clean.every((record) => record.kind === 'event')).toBe(true);
    expect(factsOf(clean).some((event) => event.lateBy > 0 || event.isBot)).toBe(false);
  });
});

describe('late events', () => {
  it('are hours to days old, a session at a time', () => {
    const late = events.filter((event) => event.lateBy > 0);
    for (const event of late) {
      expect(event.lateBy).toBeGreaterThanOrEqual(hour);
      expect(event.lateBy).toBeLessThanOrEqual(5 * day);
    }
    expect(late.some((event) => event.lateBy > day)).toBe(true);
    const sessions = Map.groupBy(events, (event: EventFacts) => event.sessionId);
    for (const event of late) {
      expect(new Set(sessions.get(event.sessionId)?.map(({ lateBy }) => lateBy)).size).toBe(1);
    }
  });
});

describe('duplicates', () => {
  const firstIndex = new Map<string, number>();
  const distances: number[] = [];
  records.forEach((record, index) => {
    if (record.kind === 'event') firstIndex.set(record.eventId, index);
    if (record.kind === 'duplicate') distances.push(index - (firstIndex.get(record.eventId) ?? Infinity));
  });

  it('repeat an earlier event byte for byte, within the window (S3.1, S9)', () => {
    expect(distances.every((distance) => distance > 0 && distance < Infinity)).toBe(true);
    for (const record of records) {
      if (record.kind !== 'duplicate') continue;
      const original = records[firstIndex.get(record.eventId) ?? -1];
      expect(record.bytes).toBe(original?.bytes);
      expect(record.emitAt - (original?.emitAt ?? 0)).toBeLessThan(7 * day);
    }
  });

  it('come in the same batch as well as much later', () => {
    expect(distances.filter((distance) => distance <= 30).length).toBeGreaterThan(distances.length / 5);
    expect(distances.filter((distance) => distance > 2000).length).toBeGreaterThan(distances.length / 20);
  });

  it('are the only events with an id of their original', () => {
    expect(firstIndex.size).toBe(events.length);
  });
});

describe('the contract', () => {
  const verdictOn = (record: SimulatedRecord) => contract.judge(Buffer.from(record.bytes), record.emitAt);

  it('takes every event, unknown fields included', () => {
    const extra = backFill(3000, 7, { extraFieldRate: 1, malformedRate: 0 });
    for (const record of [...records.slice(0, 5000), ...extra]) {
      if (record.kind === 'malformed') continue;
      const verdict = verdictOn(record);
      expect(verdict).toMatchObject({ ok: true, eventId: record.eventId });
    }
    const withUnknown = extra.filter((record) =>
      /"(app_version|ab_test|loyalty_tier|trace_id)":/.test(record.bytes),
    );
    expect(withUnknown.length).toBeGreaterThan(1000);
  });

  it('keeps the timestamp of an event without sent_at as it is', () => {
    for (const record of records.slice(0, 3000)) {
      if (record.kind !== 'event') continue;
      const verdict = verdictOn(record);
      const value = verdict.ok ? (JSON.parse(verdict.value) as { timestamp: string }) : null;
      expect(value?.timestamp).toBe(new Date(record.event.timestamp).toISOString());
    }
  });

  it('refuses every malformed record, for the reason the label says', () => {
    const kinds = new Set<string>();
    for (const record of records) {
      if (record.kind !== 'malformed') continue;
      kinds.add(record.malformedKind);
      const { malformedKind, eventId, reason } = record;
      expect({ malformedKind, ...verdictOn(record) }).toMatchObject({
        malformedKind,
        ok: false,
        reason,
        eventId,
      });
      expect(malformedReasons[malformedKind]).toBe(reason);
    }
    expect([...kinds].toSorted()).toEqual(Object.keys(malformedReasons).toSorted());
  });
});

describe('sent_at', () => {
  it('is absent unless asked for (S9), then the time of sending', () => {
    expect(records.some((record) => record.bytes.includes('"sent_at"'))).toBe(false);
    for (const record of live(500, 1, { sentAt: true })) {
      if (record.kind !== 'event') continue;
      const { sent_at: sentAt } = JSON.parse(record.bytes) as { sent_at: string };
      expect(Date.parse(sentAt)).toBe(record.emitAt);
    }
  });
});

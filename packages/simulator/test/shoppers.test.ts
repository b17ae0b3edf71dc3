import type { EventFacts, EventType } from '@clicklake/simulator';
import { describe, expect, it } from 'vitest';
import { backFill, day, factsOf, hour, intersection, live, monday } from './records.ts';

const records = backFill(40_000, 14);
const events = factsOf(records);
const shoppers = events.filter((event) => !event.isBot);
const onTime = events.filter((event) => event.lateBy === 0);

function groupBy<K>(of: readonly EventFacts[], key: (event: EventFacts) => K): Map<K, EventFacts[]> {
  return Map.groupBy(of, key);
}

function count<K>(of: readonly EventFacts[], key: (event: EventFacts) => K): Map<K, number> {
  return new Map([...groupBy(of, key)].map(([value, group]) => [value, group.length]));
}

describe('people', () => {
  it('come back: most signed-in users have several sessions, and a few are here all the time', () => {
    const signedIn = shoppers.filter((event) => event.userId !== null);
    const sessions = [...groupBy(signedIn, (event) => event.userId).values()].map(
      (group) => new Set(group.map((event) => event.sessionId)).size,
    );
    const returning = sessions.filter((number) => number > 1).length;
    expect(returning / sessions.length).toBeGreaterThan(0.35);

    const sorted = sessions.toSorted((a, b) => b - a);
    const all = sorted.reduce((sum, number) => sum + number, 0);
    const topTenth = sorted.slice(0, Math.ceil(sorted.length / 10)).reduce((sum, number) => sum + number, 0);
    expect(topTenth / all).toBeGreaterThan(0.2);
    expect(sorted[0]).toBeLessThan(all / 20);
  });

  it('own one to three devices, and keep their country', () => {
    const details = records
      .filter((record) => record.kind === 'event')
      .map((record) => JSON.parse(record.bytes) as Record<string, string | null>);
    const byUser = Map.groupBy(details, (event) => event.user_id ?? null);
    byUser.delete(null);
    for (const own of byUser.values()) {
      expect(new Set(own.map((event) => event.anonymous_id)).size).toBeLessThanOrEqual(3);
      expect(new Set(own.map((event) => event.country)).size).toBe(1);
    }
    for (const own of Map.groupBy(details, (event) => event.anonymous_id).values()) {
      expect(new Set(own.map((event) => event.user_agent)).size).toBe(1);
      expect(new Set(own.map((event) => event.screen_resolution)).size).toBe(1);
    }
  });

  it('sign in on the way: within a session from anonymous to known, never back', () => {
    let signIns = 0;
    for (const session of groupBy(shoppers, (event) => event.sessionId).values()) {
      const known = session.map((event) => event.userId !== null);
      const firstKnown = known.indexOf(true);
      if (firstKnown > 0) signIns += 1;
      if (firstKnown >= 0) expect(known.slice(firstKnown)).not.toContain(false);
      expect(new Set(session.map((event) => event.anonymousId)).size).toBe(1);
    }
    expect(signIns).toBeGreaterThan(100);
  });

  it('are many at once', () => {
    const atOnce = live(3000, 20).slice(-200);
    expect(new Set(factsOf(atOnce).map((event) => event.sessionId)).size).toBeGreaterThan(50);
  });
});

describe('sessions', () => {
  it('have no gap of 30 minutes within, so that Gold derives the same ones (S7.2)', () => {
    for (const session of groupBy(events, (event) => event.sessionId).values()) {
      for (let index = 1; index < session.length; index += 1) {
        const gap = (session[index]?.timestamp ?? 0) - (session[index - 1]?.timestamp ?? 0);
        expect(gap).toBeGreaterThanOrEqual(0);
        expect(gap).toBeLessThan(30 * 60_000);
      }
    }
  });

  it('of one user lie more than 30 minutes apart', () => {
    const punctual = onTime.filter((event) => event.userId !== null);
    for (const own of groupBy(punctual, (event) => event.userId).values()) {
      for (let index = 1; index < own.length; index += 1) {
        const [before, after] = [own[index - 1], own[index]];
        if (before === undefined || after === undefined || before.sessionId === after.sessionId) continue;
        expect(after.timestamp - before.timestamp).toBeGreaterThan(30 * 60_000);
      }
    }
  });

  it('are of believable length', () => {
    const lengths = [...groupBy(shoppers, (event) => event.sessionId).values()].map(
      (session) => session.length,
    );
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    expect(mean).toBeGreaterThan(3.5);
    expect(mean).toBeLessThan(8);
    expect(lengths.filter((length) => length === 1).length / lengths.length).toBeLessThan(0.5);
  });

  it('spend on a page the time until the next event', () => {
    for (const session of groupBy(shoppers, (event) => event.sessionId).values()) {
      for (let index = 1; index < session.length; index += 1) {
        const [before, after] = [session[index - 1], session[index]];
        const gap = ((after?.timestamp ?? 0) - (before?.timestamp ?? 0)) / 1000;
        expect(Math.abs(gap - (before?.timeOnPage ?? 0))).toBeLessThanOrEqual(0.5);
      }
    }
  });
});

describe('the funnel', () => {
  const stages: readonly EventType[] = ['product_view', 'add_to_cart', 'checkout', 'purchase'];
  const sessionsWith = (type: EventType): Set<string> =>
    new Set(shoppers.filter((event) => event.eventType === type).map((event) => event.sessionId));

  it('loses people at every level, and some buy', () => {
    const sizes = stages.map((type) => sessionsWith(type).size);
    for (let level = 1; level < sizes.length; level += 1) {
      expect(sizes[level]).toBeLessThan((sizes[level - 1] ?? 0) * 0.85);
    }
    const conversion = (sizes[3] ?? 0) / (sizes[0] ?? 1);
    expect(conversion).toBeGreaterThan(0.02);
    expect(conversion).toBeLessThan(0.2);
  });

  it('has no purchase without a checkout, and no checkout without a cart', () => {
    expect(intersection(sessionsWith('purchase'), sessionsWith('checkout'))).toHaveLength(
      sessionsWith('purchase').size,
    );
    expect(intersection(sessionsWith('checkout'), sessionsWith('add_to_cart'))).toHaveLength(
      sessionsWith('checkout').size,
    );
  });

  it('states price and quantity of what is bought', () => {
    const purchases = records
      .filter((record) => record.kind === 'event' && record.event.eventType === 'purchase')
      .map((record) => (JSON.parse(record.bytes) as { properties: Record<string, unknown> }).properties);
    expect(purchases.length).toBeGreaterThan(100);
    for (const { price, quantity } of purchases) {
      expect(price).toBeGreaterThan(0);
      expect(quantity).toBeGreaterThan(0);
    }
  });

  it('has named events besides', () => {
    const names = count(shoppers, (event) => event.eventName);
    for (const name of ['search', 'newsletter_signup', 'add_to_wishlist', 'sign_in', 'sign_up']) {
      expect(names.get(name)).toBeGreaterThan(10);
    }
    expect(shoppers.every((event) => (event.eventName !== null) === (event.eventType === 'custom'))).toBe(
      true,
    );
  });
});

describe('products', () => {
  it('differ in popularity, the original’s five among them', () => {
    const views = count(
      shoppers.filter((event) => event.eventType === 'product_view'),
      (event) => event.productId ?? '',
    );
    for (const product of ['laptop', 'smartphone', 'headphones', 'tablet', 'smartwatch']) {
      expect(views.get(product)).toBeGreaterThan(100);
    }
    const numbers = [...views.values()].toSorted((a, b) => b - a);
    expect(numbers.length).toBe(20);
    expect(numbers[0]).toBeGreaterThan(8 * (numbers.at(-1) ?? 0));
  });
});

describe('time', () => {
  it('follows the day and the week', () => {
    const american = records
      .filter((record) => record.kind === 'event' && record.event.lateBy === 0 && !record.event.isBot)
      .map((record) => JSON.parse(record.bytes) as { country: string; timestamp: string })
      .filter((event) => event.country === 'US')
      .map((event) => new Date(Date.parse(event.timestamp) - 6 * hour));
    const atHours = (from: number, to: number): number =>
      american.filter((local) => local.getUTCHours() >= from && local.getUTCHours() < to).length;
    expect(atHours(19, 22)).toBeGreaterThan(4 * atHours(2, 5));

    const days = count(onTime, (event) => new Date(event.timestamp).getUTCDay());
    expect(days.get(0)).toBeGreaterThan(1.1 * (days.get(2) ?? 0));
  });

  it('of a back-fill spans the days before its end, in order but for the late events', () => {
    let last = monday - 14 * day;
    for (const event of onTime) {
      expect(event.timestamp).toBeGreaterThanOrEqual(last);
      last = event.timestamp;
    }
    expect(last).toBeLessThanOrEqual(monday);
    expect(last).toBeGreaterThan(monday - hour);
    expect(Math.min(...events.map((event) => event.timestamp))).toBeGreaterThanOrEqual(monday - 14 * day);
  });

  it('of a live event is just before it is sent, and the rate is exact', () => {
    const sent = live(2000, 10);
    sent.forEach((record, index) => expect(record.emitAt).toBe(monday + index * 100));
    for (const record of sent) {
      if (record.kind !== 'event' || record.event.lateBy > 0) continue;
      expect(record.event.timestamp).toBeLessThanOrEqual(record.emitAt);
      expect(record.event.timestamp).toBeGreaterThan(record.emitAt - 30_000);
    }
  });

  it('follows a given clock, but never back', () => {
    const readings = [0, 1000, 500, 2000].map((offset) => monday + offset);
    let reading = 0;
    const now = (): number => readings[reading++] ?? monday + 3000;
    const time = { mode: 'live', startAt: monday, eventsPerSecond: 1, now } as const;
    const emitted = live(5, 1, { time }).map((record) => record.emitAt - monday);
    expect(emitted).toEqual([0, 1000, 1000, 2000, 3000]);
  });
});

describe('records', () => {
  it('are of about 600 bytes, one line each', () => {
    const bytes = records.map((record) => Buffer.byteLength(record.bytes));
    const mean = bytes.reduce((sum, size) => sum + size, 0) / bytes.length;
    expect(mean).toBeGreaterThan(550);
    expect(mean).toBeLessThan(700);
    expect(records.some((record) => record.bytes.includes('\n') || record.bytes.trim() === '')).toBe(false);
  });

  it('say in their bytes what their facts say', () => {
    for (const record of records.slice(0, 2000)) {
      if (record.kind === 'malformed') continue;
      const text = JSON.parse(record.bytes) as Record<string, unknown>;
      const { event } = record;
      expect(text).toMatchObject({
        event_id: event.eventId,
        user_id: event.userId,
        anonymous_id: event.anonymousId,
        session_id: event.sessionId,
        event_type: event.eventType,
        timestamp: new Date(event.timestamp).toISOString(),
        time_on_page: event.timeOnPage,
      });
      expect(text.product_id ?? null).toBe(event.productId);
      expect(text.event_name ?? null).toBe(event.eventName);
    }
  });
});

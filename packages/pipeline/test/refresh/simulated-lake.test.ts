import { createEnricher } from '@clicklake/collector';
import { createContract, parseEventJson, type Prepared } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import { createSimulation, type SimulatedRecord } from '@clicklake/simulator';
import { expect, test } from 'vitest';
import { openLakeQueries } from '../harness/queries.ts';
import { createTestLake } from '../harness/test-lake.ts';
import { dayStart, everything, goldOf, minute, recordOf, visit } from './gold-bench.ts';
import { expectedGold, type SentEvent } from './gold-oracle.ts';

const day = 1440 * minute;
const contract = createContract();
const enrich = createEnricher();

function simulated(events: number): readonly SimulatedRecord[] {
  return [
    ...createSimulation({
      seed: 'gold',
      time: { mode: 'back-fill', endAt: dayStart + 5 * day, days: 5, events },
      duplicateRate: 0.08,
      malformedRate: 0.06,
      lateRate: 0.1,
      botRate: 0.1,
    }),
  ];
}

/** What the collector makes of a record's bytes. */
function collected({ bytes, emitAt }: SimulatedRecord): NewRecord {
  const prepared = judged(bytes, emitAt);
  const timestamp = emitAt;
  if (prepared?.ok === true)
    return {
      topic: 'clickstream-events',
      key: prepared.key,
      value: prepared.value,
      timestamp,
      judgedBy: contract.fingerprint,
    };
  const told = { reason: prepared?.reason ?? 'malformed_json', field: null, message: '', source_id: 's' };
  return {
    topic: 'clickstream-errors',
    key: JSON.stringify({ ...told, event_id: prepared?.eventId ?? null }),
    value: bytes,
    timestamp,
    judgedBy: null,
  };
}

/** Undefined for what is no JSON. */
function judged(bytes: string, receivedAt: number): Prepared | undefined {
  let event: unknown;
  try {
    event = parseEventJson(bytes);
  } catch {
    return undefined;
  }
  return contract.prepare(event, {
    receivedAt,
    sourceId: 'simulator',
    clientIp: null,
    trustBodyIp: true,
    truncateIp: false,
    userAgent: null,
    enrich,
    newEventId: () => 'unused',
  });
}

/** The simulator's truth, and of the rest what it wrote. */
function sentEvent({ bytes, event }: SimulatedRecord): SentEvent {
  if (event === null) throw new TypeError('a malformed record is no event');
  const written = JSON.parse(bytes) as Readonly<Record<string, string | null>>;
  return {
    id: event.eventId,
    userId: event.userId,
    anonymousId: event.anonymousId,
    at: event.timestamp,
    type: event.eventType,
    product: event.productId,
    seconds: event.timeOnPage,
    isBot: event.isBot,
    clientSession: event.sessionId,
    page: written.page_url ?? null,
    referrer: written.referrer ?? null,
    country: written.country ?? null,
    device: written.device_type ?? null,
  };
}

/** Active without a gap for 55 hours, so for more than two sessions. */
function sleepless(): readonly SentEvent[] {
  return Array.from({ length: 55 * 3 }, (_, step) =>
    visit('sleepless', 1200 + step * 20, {
      type: step % 3 === 0 ? 'product_view' : 'page_view',
      product: step % 2 === 0 ? 'laptop' : null,
      seconds: step % 4 === 0 ? null : step,
      device: 'desktop',
    }),
  );
}

test('every row of a simulated lake equals a recomputation from the simulator’s truth, batch after batch (S7)', async () => {
  const lake = await createTestLake();
  const queryEngine = await openLakeQueries(lake);
  const owner = await lake.open({ queryEngine });
  const records = simulated(3_000);
  const kinds = (kind: SimulatedRecord['kind']): number => records.filter((one) => one.kind === kind).length;
  expect(Math.min(kinds('duplicate'), kinds('malformed'))).toBeGreaterThan(100);

  const batches = 6;
  const size = Math.ceil(records.length / batches);
  const restless = sleepless();
  const sent: SentEvent[] = [];
  for (let batch = 0; batch < batches; batch += 1) {
    const part = records.slice(batch * size, (batch + 1) * size);
    await lake.append(part.map(collected), 500);
    sent.push(...part.filter(({ kind }) => kind === 'event').map(sentEvent));
    // Every batch has some of these, from all of their days: each joins stretches of earlier ones.
    const more = restless.filter((_, step) => step % batches === batch);
    await lake.append(
      more.map((event, index) => recordOf(event, batch * 1000 + index)),
      500,
    );
    sent.push(...more);
    await owner.catchUp(() => undefined);
    await owner.refresh(everything);
    if (batch % 3 === 1) expect(await goldOf(queryEngine, owner)).toEqual(expectedGold(sent));
  }

  expect(await owner.ledger({ deep: true })).toMatchObject({
    silver: kinds('event') + restless.length,
    duplicates: kinds('duplicate'),
    dead_letters: kinds('malformed'),
    balanced: true,
  });
  const gold = await goldOf(queryEngine, owner);
  const expected = expectedGold(sent);
  expect(gold).toEqual(expected);
  const { models } = await owner.refresh({ ...everything, full: true });
  expect(models.map(({ mode }) => mode)).toEqual(models.map(() => 'full'));
  expect(await goldOf(queryEngine, owner)).toEqual(expected);

  // What the title of this suite is about was there.
  const sessions = expected.user_session_metrics;
  const ofSleepless = sessions.filter(({ user_id: user }) => user === 'sleepless');
  expect(ofSleepless).toHaveLength(3);
  const acrossMidnight = sessions.filter((one) => one.end_date !== one.session_date);
  expect(acrossMidnight.length).toBeGreaterThan(ofSleepless.length);
  expect(sent.some(({ userId, isBot }) => userId === null && !isBot)).toBe(true);
  expect(sent.filter(({ isBot }) => isBot).length).toBeGreaterThan(100);
  expect(records.filter(({ event }) => (event?.lateBy ?? 0) > day).length).toBeGreaterThan(10);
  await owner.close();
  await queryEngine.close();
  await lake.remove();
}, 120_000);

import { applyLogRetention, type EventTrace, type LakeOwner, type TracedRecord } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInFlight, uncommittedStretches } from '../../src/trace/log-record.ts';
import { corruptSegment } from '../harness/damage.ts';
import { collected, collectedEvent, foreign, refused } from '../harness/records.ts';
import { replayed } from '../harness/replays.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

const everything = { full: false, models: [] };
const now = Date.now() - 3_600_000;
let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

async function caughtUp(...batches: Parameters<TestLake['append']>[0][]): Promise<LakeOwner> {
  const owner = await lake.open();
  for (const batch of batches) {
    await lake.append(batch);
    await owner.catchUp(() => undefined);
  }
  return owner;
}

async function traceAlone(eventId: string): Promise<EventTrace> {
  const reader = await lake.openReader();
  try {
    return await reader.trace(eventId);
  } finally {
    await reader.close();
  }
}

async function only(trace: Promise<EventTrace>): Promise<TracedRecord> {
  const { records } = await trace;
  expect(records).toHaveLength(1);
  const [record] = records;
  if (record === undefined) throw new Error('no record');
  return record;
}

describe('before the commit', () => {
  it('an event in flight is shown with its bytes, and one of the tail as judged', async () => {
    const owner = await lake.open({ settings: { tickIntervalMs: 5, commitIntervalMs: 3_600_000 } });
    await lake.append([collected('early', 'ada', now), collected('early', 'bob', now)]);
    const flying = (await owner.trace('early')).records;
    expect(flying.map(({ verdict, committed, sourceId }) => [verdict, committed, sourceId])).toEqual([
      ['in_flight', false, 'test'],
      ['in_flight', false, 'test'],
    ]);
    expect(flying[0]?.log).toMatchObject({ state: 'held', encoding: 'utf8' });
    expect((await traceAlone('early')).records).toEqual(flying);

    await owner.start();
    await expect
      .poll(async () => (await owner.trace('early')).records.map(({ verdict }) => verdict).toSorted())
      .toEqual(['duplicate', 'valid']);
    const { records, looked } = await owner.trace('early');
    expect(looked).toMatchObject({ silverRows: 0, tailRows: 2, logRecords: 0 });
    for (const record of records) expect(record).toMatchObject({ committed: false, silver: null, gold: [] });
    // Nobody but the owner knows its tail.
    expect((await traceAlone('early')).records.map(({ verdict }) => verdict)).toEqual([
      'in_flight',
      'in_flight',
    ]);
    await owner.close();
    expect((await traceAlone('early')).records.map(({ committed }) => committed)).toEqual([true, true]);
  });
});

describe('while ingest is far behind', () => {
  it('the newest of the log are looked through, and the answer says how many were passed over', async () => {
    const ids = Array.from({ length: 900 }, (_, index) => `event-${index}`);
    await lake.append(
      ids.map((id, index) => collected(id, `user-${index % 20}`, now + index)),
      30,
    );
    const log = await lake.log().openReader();
    const look = (id: string, mostBytes: number) =>
      findInFlight(log, { events: [], errors: 0n }, id, mostBytes);
    const bytes = (await log.describe()).reduce((sum, state) => sum + state.bytes, 0);
    const all = { found: [{ topic: 'clickstream-events' }], read: 900, passedOver: 0 };
    expect(await look('event-0', bytes)).toMatchObject(all);
    const bounded = await look('event-899', bytes / 3);
    expect(bounded.found).toHaveLength(1);
    expect(bounded.read + bounded.passedOver).toBe(900);
    expect(bounded.read).toBeGreaterThan(250);
    expect(bounded.read).toBeLessThan(350);
    expect(await look('event-0', bytes / 3)).toEqual({ ...bounded, found: [] });
    await log.close();
  });

  it('reads what little is left of each partition, whatever the others hold', () => {
    const state = { startOffset: 100n, endOffset: 1_100n, bytes: 1_000_000 };
    const states = [
      { topic: 'clickstream-events', partition: 0, ...state },
      { topic: 'clickstream-events', partition: 1, ...state },
      { topic: 'clickstream-errors', partition: 0, startOffset: 0n, endOffset: 0n, bytes: 0 },
    ] as const;
    const firsts = (mostBytes: number): bigint[] =>
      uncommittedStretches(states, { events: [100n, 900n], errors: 0n }, mostBytes).map(({ first }) => first);
    expect(firsts(1_200_000)).toEqual([100n, 900n, 0n]);
    expect(firsts(600_000)).toEqual([600n, 1_000n, 0n]);
    expect(firsts(0)).toEqual([1_100n, 1_100n, 0n]);
  });
});

describe('a committed event', () => {
  it('is told from the log to Gold, before and after a refresh', async () => {
    const owner = await caughtUp([collected('bought', 'ada', now)]);
    const before = await only(owner.trace('bought'));
    const [commit] = (await owner.history('silver', 1)) ?? [];
    expect(before).toMatchObject({
      topic: 'clickstream-events',
      offset: 0,
      receivedAt: new Date(now).toISOString(),
      sourceId: 'test',
      verdict: 'valid',
      committed: true,
      log: { state: 'held' },
      event: { event_id: 'bought', user_id: 'ada', product_id: 'laptop', time_on_page: 12 },
      silver: {
        commit: { version: commit?.version, timestamp: commit?.timestamp, operation: 'STREAMING UPDATE' },
        commitMissing: null,
        firstFile: null,
        movedBy: null,
        file: { rows: 1 },
      },
    });
    expect(before.gold).toHaveLength(5);
    for (const place of before.gold) expect(place).toMatchObject({ state: 'not_refreshed', version: null });

    await owner.refresh(everything);
    const date = new Date(now - 1000).toISOString().slice(0, 10);
    const after = await only(owner.trace('bought'));
    expect(Object.fromEntries(after.gold.map(({ table, row }) => [table, row]))).toMatchObject({
      daily_user_activity: { date, user_id: 'ada', total_events: 1, product_views: 1 },
      user_session_metrics: { session_date: date, user_id: 'ada', session_id: 'bought', total_events: 1 },
      product_performance: { date, product_id: 'laptop', unique_users: 1 },
      product_conversion_rates: { date, product_id: 'laptop', product_views: 1 },
      daily_aggregates: { date, users: 1 },
    });
    for (const place of after.gold)
      expect(place).toMatchObject({ state: 'counted', version: 1, silverVersion: commit?.version });
    expect(await only(traceAlone('bought'))).toEqual(after);

    // The next one is committed, and no table has seen it.
    await lake.append([collected('later', 'ada', now + 1000)]);
    await owner.catchUp(() => undefined);
    const later = await only(owner.trace('later'));
    for (const place of later.gold)
      expect(place).toMatchObject({ state: 'not_refreshed', version: 1, row: null });
    expect(later.gold.find(({ table }) => table === 'daily_user_activity')?.key).toEqual({
      date,
      user_id: 'ada',
    });
    await owner.close();
  });

  it('that OPTIMIZE has moved is shown in its file, with the one that it was written to first', async () => {
    const owner = await caughtUp([collected('first', 'ada', now)], [collected('second', 'ada', now + 1000)]);
    const before = await only(owner.trace('first'));
    const { version } = await owner.optimize('silver', {});
    const after = await only(owner.trace('first'));
    expect(after.silver?.commit).toEqual(before.silver?.commit);
    expect(after.silver).toMatchObject({
      firstFile: before.silver?.file.path,
      movedBy: { version, operation: 'OPTIMIZE' },
      file: { rows: 2 },
    });
    expect(after.silver?.file.path).not.toBe(before.silver?.file.path);
    expect(await only(traceAlone('first'))).toEqual(after);
    await owner.close();
  });

  it('that a restore took out is in flight, and then has a commit of its second life (S4.3)', async () => {
    const owner = await caughtUp([collected('kept', 'ada', now)], [collected('gone', 'ada', now + 1000)]);
    const first = await only(owner.trace('gone'));
    const kept = await only(owner.trace('kept'));
    await owner.restore('silver', { version: kept.silver?.commit?.version ?? -1 });
    expect(await only(owner.trace('gone'))).toMatchObject({ verdict: 'in_flight', silver: null });
    await owner.catchUp(() => undefined);
    const second = await only(owner.trace('gone'));
    expect(second.verdict).toBe('valid');
    expect(second.silver?.commit?.version).toBeGreaterThan(first.silver?.commit?.version ?? 0);
    expect((await only(owner.trace('kept'))).silver?.commit).toEqual(kept.silver?.commit);
    await owner.close();
  });

  it('is left out of Gold as a bot, and of what it has no product for', async () => {
    const bot = collectedEvent({ event_id: 'bot', event_type: 'page_view', user_id: 'robot' }, now);
    const owner = await caughtUp([
      { ...bot, value: String(bot.value).replace('"is_bot":false', '"is_bot":true') },
      collectedEvent(
        { event_id: 'named', event_type: 'custom', event_name: 'signed up', anonymous_id: 'nobody' },
        now,
      ),
    ]);
    await owner.refresh(everything);
    const robot = await only(owner.trace('bot'));
    expect(robot.event?.is_bot).toBe(true);
    for (const place of robot.gold)
      expect(place).toMatchObject({
        state: 'left_out',
        row: null,
        reason: expect.stringContaining('bot') as string,
      });
    const named = await only(owner.trace('named'));
    expect(named.event).toMatchObject({ event_name: 'signed up', user_id: null, anonymous_id: 'nobody' });
    expect(Object.fromEntries(named.gold.map(({ table, state }) => [table, state]))).toEqual({
      daily_user_activity: 'counted',
      user_session_metrics: 'counted',
      daily_aggregates: 'counted',
      product_performance: 'left_out',
      product_conversion_rates: 'left_out',
    });
    expect(named.gold.find(({ table }) => table === 'daily_user_activity')?.row).toMatchObject({
      user_id: 'nobody',
    });
    await owner.close();
  });
});

describe('what is no event of Silver', () => {
  it('a duplicate names the one that stays; a dead letter says why, and what replays it', async () => {
    const owner = await caughtUp([
      collected('twice', 'ada', now),
      collected('twice', 'bob', now + 1),
      foreign({ event_id: 'bad', event_type: 'no such type', user_id: 'f' }, now + 2),
      foreign('no event', now + 3),
    ]);
    const [stays, repeats] = (await owner.trace('twice')).records;
    expect(stays).toMatchObject({ verdict: 'valid' });
    expect(repeats).toMatchObject({
      verdict: 'duplicate',
      sourceId: 'test',
      duplicateOf: { topic: stays?.topic, partition: stays?.partition, offset: stays?.offset },
    });
    const bad = await only(owner.trace('bad'));
    expect(bad).toMatchObject({
      verdict: 'dead_letter',
      refusal: { field: 'event_type' },
      log: { state: 'held' },
      silver: null,
      gold: [],
    });
    // A record without an id is found by the name that a replay of it has (S8).
    const nameless = await only(owner.trace(`dl:clickstream-events:${bad.partition}:${bad.offset + 1}`));
    expect(nameless).toMatchObject({ verdict: 'dead_letter', eventId: null });
    expect(await only(traceAlone('bad'))).toEqual(bad);
    await owner.close();
  });

  it('a replay leads to what it replays, and back, whatever ids the two have (S8)', async () => {
    const owner = await caughtUp([refused('no id at all', now), refused('nor here', now)]);
    await lake.append([
      replayed('clickstream-errors:0:0', 'dl:clickstream-errors:0:0', now + 1),
      replayed('clickstream-errors:0:1', 'mended', now + 1),
    ]);
    await owner.catchUp(() => undefined);
    for (const [id, offset] of [
      ['dl:clickstream-errors:0:0', 0],
      ['mended', 1],
      ['dl:clickstream-errors:0:1', 1],
    ] as const) {
      const [dead, replay, ...others] = (await owner.trace(id)).records;
      expect(others).toEqual([]);
      const { topic, partition, offset: at } = replay ?? {};
      expect(dead).toMatchObject({
        topic: 'clickstream-errors',
        offset,
        verdict: 'dead_letter',
        eventId: null,
        replays: [{ topic, partition, offset: at }],
      });
      expect(replay).toMatchObject({
        verdict: 'valid',
        replayOf: { topic: 'clickstream-errors', partition: 0, offset },
        silver: { commit: { operation: 'STREAMING UPDATE' } },
      });
    }
    await owner.close();
  });

  it('an id of nobody is nowhere, and the answer says where it was looked for', async () => {
    const owner = await caughtUp([collected('one', 'ada', now), collected('one', 'bob', now + 1)]);
    expect(await owner.trace('two')).toEqual({
      eventId: 'two',
      looked: {
        silverVersion: 1,
        silverRows: 1,
        duplicateRows: 1,
        deadLetterRows: 0,
        tailRows: 0,
        logRecords: 0,
        logRecordsPassedOver: 0,
      },
      records: [],
    });
    await owner.close();
  });
});

describe('what is gone', () => {
  it('the log says what retention has deleted', async () => {
    const owner = await caughtUp([collected('old', 'ada', now)]);
    // Retention keeps the newest segment: the record has to be in an earlier one.
    const log = lake.log({ segmentBytes: 1, retentionMs: 1, clock: () => Date.now() + 10_000 });
    const [writer, reader] = [await log.openWriter(), await log.openReader()];
    for (let more = 0; more < 3; more += 1) await writer.append([collected(`new-${more}`, 'ada', now + 1)]);
    await owner.catchUp(() => undefined);
    await applyLogRetention(writer, reader);
    await reader.close();
    await writer.close();
    expect(await only(owner.trace('old'))).toMatchObject({
      verdict: 'valid',
      log: { state: 'deleted' },
      silver: { commit: { operation: 'STREAMING UPDATE' } },
    });
    await owner.close();
  });

  it('an unreadable record is said to be so, and everything else is told', async () => {
    const owner = await caughtUp([collected('hurt', 'ada', now)]);
    const { partition } = await only(owner.trace('hurt'));
    await corruptSegment(lake, 'clickstream-events', partition);
    expect(await only(owner.trace('hurt'))).toMatchObject({
      verdict: 'valid',
      log: { state: 'unreadable' },
      silver: { commit: { operation: 'STREAMING UPDATE' } },
    });
    await owner.close();
  });
});

it('any text that an id may be is only ever a value', async () => {
  const ids = [
    `it's "quoted"`,
    `'; DROP TABLE silver; --`,
    '%',
    '_',
    '\\u0041\\',
    'a/b?c=d&e#f',
    '€ 😀 ﷽',
    '\u0000\u0007\u001b[31m',
    '$1',
    'x'.repeat(128),
    '😀'.repeat(32),
  ];
  const owner = await caughtUp(ids.map((id, index) => collected(id, `user-${index}`, now + index)));
  await owner.refresh(everything);
  for (const id of ids) {
    const found = await only(owner.trace(id));
    expect(found).toMatchObject({ eventId: id, verdict: 'valid' });
    expect(found.gold.map(({ state }) => state)).toEqual(Array.from({ length: 5 }, () => 'counted'));
  }
  for (const id of ["'", '"', 'x'.repeat(127), '%%', '']) expect((await owner.trace(id)).records).toEqual([]);
  await lake.append(ids.map((id, index) => collected(otherId(id), `user-${index}`, now + index)));
  for (const id of ids) expect(await only(owner.trace(otherId(id)))).toMatchObject({ verdict: 'in_flight' });
  await owner.close();
});

/** As strange as the id, and at most 128 bytes long. */
function otherId(id: string): string {
  return `${Array.from(id).slice(0, 30).join('')}!`;
}

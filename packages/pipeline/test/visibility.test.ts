import type { QueryEngine } from '@clicklake/query';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectExactlyOnce } from './harness/expectations.ts';
import { firstRow, openLakeQueries } from './harness/queries.ts';
import { collected, foreign, makeWorkload, refused } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

let lake: TestLake;
let queryEngine: QueryEngine;
beforeEach(async () => {
  lake = await createTestLake();
  queryEngine = await openLakeQueries(lake);
});
afterEach(async () => {
  await queryEngine.close();
  await lake.remove();
});

const counts = 'SELECT count(*), count(DISTINCT event_id) FROM silver';

it('counts agree and never go down across ticks and commits (S6.1)', async () => {
  const workload = makeWorkload('seen', 1500, Date.now() - 60_000);
  // Some ticks are larger than what the tail shows, so both ways of taking up rows occur.
  const owner = await lake.open({
    queryEngine,
    settings: { tickIntervalMs: 5, commitIntervalMs: 60, visibleTailRows: 40 },
  });
  const writer = await lake.log().openWriter();
  await owner.start();
  let finished = false;
  const versions = new Set<unknown>();
  const query = async (): Promise<void> => {
    for (let last = 0, done = false; !done;) {
      done = finished;
      const { rows, pinned } = await queryEngine.run(counts, () => owner.pin());
      const [all, distinct] = (rows[0] ?? []).map(Number);
      expect(distinct).toBe(all);
      expect(all).toBeGreaterThanOrEqual(last);
      last = all ?? 0;
      versions.add(pinned.silverVersion);
    }
  };
  const querying = Promise.all([query(), query()]);
  const share = 300;
  for (let from = 0; from < workload.records.length; from += share) {
    const seenBefore = versions.size;
    for (let at = from; at < from + share; at += 30) await writer.append(workload.records.slice(at, at + 30));
    // So that queries meet the commits, however fast the machine takes all of it in.
    await expect.poll(() => versions.size).toBeGreaterThan(seenBefore);
  }
  await expect
    .poll(async () => Number((await firstRow(queryEngine, owner, counts))[0]), { timeout: 50_000 })
    .toBe(workload.silverIds.size);
  finished = true;
  await querying;
  expect(versions.size).toBeGreaterThan(3);
  const [all, distinct] = (await firstRow(queryEngine, owner, counts)).map(Number);
  expect([all, distinct]).toEqual([workload.silverIds.size, workload.silverIds.size]);
  await writer.close();
  await owner.close();
});

it('a record is visible before any commit, and committed by a graceful stop (S4.4)', async () => {
  const owner = await lake.open({
    queryEngine,
    settings: { tickIntervalMs: 5, commitIntervalMs: 3_600_000 },
  });
  await owner.start();
  await lake.append([collected('fresh', 'u', Date.now())]);
  await expect
    .poll(async () => (await firstRow(queryEngine, owner, 'SELECT event_id FROM silver'))[0], {
      timeout: 50_000,
    })
    .toBe('fresh');
  expect(owner.state()).toMatchObject({ commits: 0, tailRows: 1, phase: 'running' });
  expect(await owner.ledger({ deep: false })).toMatchObject({ silver: 0, in_flight: 1, balanced: true });
  await owner.close();
  const again = await lake.open();
  expect(await again.ledger({ deep: true })).toMatchObject({ silver: 1, in_flight: 0, balanced: true });
  expect(again.state().silverVersion).toBeGreaterThan(0);
  await again.close();
});

it('an empty tail makes no commit, and duplicates alone make one (S4.4)', async () => {
  await lake.append([collected('one', 'u', 1_700_000_000_000)]);
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  const before = (await owner.tables()).map(({ version }) => version);
  await owner.catchUp(() => undefined);
  expect((await owner.tables()).map(({ version }) => version)).toEqual(before);
  await lake.append([collected('one', 'u', 1_700_000_000_000)]);
  await owner.catchUp(() => undefined);
  const after = (await owner.tables()).map(({ version }) => version);
  expect(after).toEqual([(before[0] ?? 0) + 1, before[1], (before[2] ?? 0) + 1]);
  await owner.close();
});

it('a query that holds the tail does not hold up commits', async () => {
  const owner = await lake.open({ queryEngine });
  await lake.append([collected('first', 'u', Date.now())]);
  await owner.catchUp(() => undefined);
  // As a query does from its pin to its last row.
  await lake.append([collected('second', 'u', Date.now())]);
  await owner.start();
  await expect.poll(() => owner.state().tailRows, { timeout: 50_000 }).toBe(1);
  const pin = await owner.pin();
  expect(pin.tables[0]?.tail?.slices).toHaveLength(1);
  await owner.close();
  for (const { tail } of pin.tables) for (const slice of tail?.slices ?? []) slice.release();
  pin.release();
});

/** Statements whose values DuckDB does not count against its memory limit: a terabyte of text, and of list. */
const escaping = [
  `SELECT length(s) FROM (${Array.from({ length: 30 }).reduce<string>(
    (inner) => `SELECT s || s AS s FROM (${inner})`,
    "SELECT concat(string_agg(event_id), repeat('x', 1000)) AS s FROM silver",
  )})`,
  'SELECT len(list_transform(l, lambda x: l)) FROM (SELECT list(i) AS l FROM range(100000) t(i))',
];

it('queries that run out of memory do not hurt ingest beside them (S6.4)', async () => {
  const workload = makeWorkload('beside', 3_000, Date.now() - 60_000);
  const owner = await lake.open({ queryEngine, settings: { tickIntervalMs: 5, commitIntervalMs: 400 } });
  const writer = await lake.log().openWriter();
  await owner.start();
  let appended = 0;
  const residentBefore = process.memoryUsage.rss();
  let queries = 0;
  const attack = async (sql: string): Promise<void> => {
    for (let round = 0; round < 2 || appended < workload.records.length; round += 1) {
      const error = await queryEngine.run(sql, () => owner.pin()).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'query-out-of-memory' });
      queries += 1;
    }
  };
  const attacks = Promise.all(escaping.map(attack));
  for (let from = 0; from < workload.records.length; from += 10) {
    await writer.append(workload.records.slice(from, from + 10));
    appended = Math.min(workload.records.length, from + 10);
  }
  await attacks;
  expect(queries).toBeGreaterThanOrEqual(4);
  expect(process.memoryUsage.rss() - residentBefore).toBeLessThan(400 * 2 ** 20);
  // What the tail shows survived every end of the query process.
  await expect
    .poll(async () => (await firstRow(queryEngine, owner, counts)).map(Number), { timeout: 50_000 })
    .toEqual([workload.silverIds.size, workload.silverIds.size]);
  expect(owner.state()).toMatchObject({ phase: 'running', problem: null });
  await writer.close();
  await owner.close();
  const again = await lake.open();
  await again.catchUp(() => undefined);
  await expectExactlyOnce(again, workload);
  await again.close();
});

it('the tail is part of silver only: dead letters and duplicates show with the commit (S6.1)', async () => {
  const settings = { tickIntervalMs: 5, commitIntervalMs: 3_600_000 };
  const owner = await lake.open({ queryEngine, settings });
  await owner.start();
  const now = Date.now();
  await lake.append([
    collected('one', 'u', now),
    collected('one', 'u', now),
    foreign({ event_id: 'bad', event_type: 'no such type', user_id: 'f' }, now),
    refused('not an event', now),
    collected('two', 'u', now),
  ]);
  const everywhere = `SELECT (SELECT count(*) FROM silver), (SELECT count(*) FROM dead_letters),
    (SELECT count(*) FROM duplicates)`;
  const seen = (): Promise<readonly unknown[]> => firstRow(queryEngine, owner, everywhere);
  await expect.poll(() => owner.state().processed, { timeout: 50_000 }).toBe(5);
  await expect.poll(async () => (await seen())[0], { timeout: 50_000 }).toBe(2);
  expect(await seen()).toEqual([2, 0, 0]);
  await owner.close();
  const again = await lake.open();
  expect(await firstRow(queryEngine, again, everywhere)).toEqual([2, 2, 1]);
  await again.close();
});

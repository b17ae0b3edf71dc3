import type { QueryEngine } from '@clicklake/query';
import { createSimulation } from '@clicklake/simulator';
import { createContract, parseEventJson } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import type { LakeOwner, TracedRecord } from '@clicklake/pipeline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLakeQueries } from '../harness/queries.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

const everything = { full: false, models: [] };
let lake: TestLake;
let queries: QueryEngine;
let owner: LakeOwner;

/** Shoppers of ten days, received as they happened: most of them beyond the dedupe window. */
function simulated(events: number): readonly NewRecord[] {
  const contract = createContract();
  const simulation = createSimulation({
    seed: 'trace',
    time: { mode: 'back-fill', endAt: Date.UTC(2026, 4, 20), days: 10, events },
    duplicateRate: 0.05,
    malformedRate: 0,
    lateRate: 0.05,
  });
  return [...simulation].flatMap(({ bytes, emitAt }): NewRecord[] => {
    const prepared = contract.prepare(parseEventJson(bytes), {
      receivedAt: Math.trunc(emitAt),
      sourceId: 'simulator',
      clientIp: null,
      trustBodyIp: true,
      truncateIp: false,
      userAgent: null,
      enrich: () => ({ deviceType: null, browser: null, os: null, isBot: false }),
      newEventId: () => 'unused',
    });
    if (!prepared.ok) return [];
    const { key, value } = prepared;
    const { fingerprint: judgedBy } = contract;
    return [{ topic: 'clickstream-events', key, value, timestamp: Math.trunc(emitAt), judgedBy }];
  });
}

beforeAll(async () => {
  lake = await createTestLake();
  queries = await openLakeQueries(lake);
  await lake.append(simulated(1500), 500);
  owner = await lake.open({ queryEngine: queries, settings: { tickBytes: 250_000, commitBytes: 250_000 } });
  await owner.catchUp(() => undefined);
  await owner.refresh(everything);
});

afterAll(async () => {
  await owner.close();
  await queries.close();
  await lake.remove();
});

async function select(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { columns, rows } = await queries.run(sql, () => owner.pin());
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, column) => [name, row[column]])));
}

/** Written from what each table's row is about, apart from the project's rules. */
const goldRows = {
  daily_user_activity: `SELECT g.* FROM daily_user_activity g JOIN silver s ON g.date = s.event_date
    AND g.user_id = coalesce(s.user_id, s.anonymous_id)`,
  user_session_metrics: `SELECT g.* FROM user_session_metrics g JOIN silver s
    ON g.user_id = coalesce(s.user_id, s.anonymous_id) AND s.timestamp BETWEEN g.started_at AND g.ended_at`,
  product_performance: `SELECT g.* FROM product_performance g JOIN silver s ON g.date = s.event_date
    AND g.product_id = s.product_id`,
  product_conversion_rates: `SELECT g.* FROM product_conversion_rates g JOIN silver s ON g.date = s.event_date
    AND g.product_id = s.product_id`,
  daily_aggregates: `SELECT g.* FROM daily_aggregates g JOIN silver s ON g.date = s.event_date`,
} as const;

it('agrees with SQL about events of any age, row by row', async () => {
  const ids = await select(`SELECT event_id FROM silver ORDER BY hash(event_id) LIMIT 8`);
  expect(ids).toHaveLength(8);
  for (const { event_id: id } of ids) {
    const eventId = String(id);
    const { records } = await owner.trace(eventId);
    const events = records.filter(({ verdict }) => verdict === 'valid');
    const of = `WHERE s.event_id = '${eventId}'`;
    expect(events.map(({ event }) => event)).toEqual(
      await select(`SELECT * FROM silver s ${of} ORDER BY received_at`),
    );
    const repeats = await select(
      `SELECT log_offset FROM duplicates s ${of} ORDER BY received_at, log_partition, log_offset`,
    );
    expect(
      records.filter(({ verdict }) => verdict === 'duplicate').map(({ offset }) => ({ log_offset: offset })),
    ).toEqual(repeats);
    for (const event of events) await agreesAboutGold(event, of);
  }
});

async function agreesAboutGold({ gold, event }: TracedRecord, of: string): Promise<void> {
  expect(gold.map(({ table }) => table).toSorted()).toEqual(Object.keys(goldRows).toSorted());
  for (const [table, sql] of Object.entries(goldRows)) {
    const place = gold.find((found) => found.table === table);
    const expected = await select(`${sql} ${of}`);
    expect(place?.row ?? null).toEqual(expected[0] ?? null);
    const leftOut = event?.product_id === null && table.startsWith('product_');
    expect(place?.state).toBe(leftOut ? 'left_out' : 'counted');
  }
}

it('finds every duplicate with the event that it repeats', async () => {
  const rows = await select(
    'SELECT event_id, log_partition, log_offset, first_partition, first_offset FROM duplicates LIMIT 8',
  );
  expect(rows).toHaveLength(8);
  for (const row of rows) {
    const { records } = await owner.trace(String(row.event_id));
    const found = records.find(
      ({ partition, offset }) => partition === row.log_partition && offset === row.log_offset,
    );
    expect(found?.duplicateOf).toEqual({
      topic: 'clickstream-events',
      partition: row.first_partition,
      offset: row.first_offset,
    });
    expect(records.some(({ offset, verdict }) => offset === row.first_offset && verdict === 'valid')).toBe(
      true,
    );
  }
});

it('misses no commit: each event’s is the one whose offsets reach it', async () => {
  const commits = (await owner.history('silver', 1000)) ?? [];
  const ids = await select(`SELECT event_id FROM silver ORDER BY hash(event_id || 'c') LIMIT 12`);
  const versions = new Set<number>();
  for (const { event_id: id } of ids) {
    const [record] = (await owner.trace(String(id))).records;
    const version = record?.silver?.commit?.version ?? -1;
    versions.add(version);
    expect(commits.some((commit) => commit.version === version)).toBe(true);
    // Nothing has been moved, so the file of the row came with that very commit.
    expect(record?.silver?.movedBy).toBeNull();
  }
  expect(versions.size).toBeGreaterThan(2);
});

import { hash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createContract, duckdbColumns } from '@clicklake/contract';
import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog, partitionFor, type NewRecord } from '@clicklake/event-log';
import { lakePaths, type LakeOwner } from '@clicklake/pipeline';
import { openBenchOwner } from './bench-owner.ts';
// Deep imports: through ingest so many events would take half an hour.
import { openLakeDuckdb, utcConnection } from '../../../packages/pipeline/src/lake/duckdb.ts';
import { openOrCreateTables } from '../../../packages/pipeline/src/lake/lake-tables.ts';
import { partitionAppId } from '../../../packages/pipeline/src/ingest/transaction-ids.ts';

/** The end of the history: fixed, so that the fixture is the same on every machine. */
const endAt = Date.UTC(2026, 9, 1);
const days = 30;
const dayMs = 86_400_000;
const recordsPerCommit = 200_000;

/**
 * A lake with a month of history, four weeks of it beyond the dedupe window, committed as ingest does it and refreshed:
 * of a hundred records of the log 98 are events, one a duplicate of the one before, one a dead letter. The log holds
 * their ids only. Written once into a cache outside of the tree (`CLICKLAKE_CACHE`).
 *
 * @returns its home.
 */
export async function traceFixture(events: number, say: (line: string) => void): Promise<string> {
  const cache = process.env.CLICKLAKE_CACHE ?? join(homedir(), '.cache', 'clicklake');
  const home = join(cache, `bench-trace-2-${events}`);
  if ((await nodeFileSystem.stat(home)) !== undefined) return home;
  say(`writing a lake of ${events} events into ${home} (once)`);
  const unfinished = `${home}.part`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const records = recordsOf(events);
  await fillLog(unfinished, records);
  say('the log is written');
  await fillTables(unfinished, records);
  say('the tables are written; refreshing Gold');
  const owner = await openTraceOwner(unfinished);
  try {
    await owner.refresh({ full: false, models: [] });
  } finally {
    await owner.close();
  }
  await rename(unfinished, home);
  return home;
}

/** Of all kinds together. */
export function recordsOf(events: number): number {
  return Math.ceil(events / 0.98);
}

/** With the memory that `clicklake up` gives it. */
export function openTraceOwner(home: string): Promise<LakeOwner> {
  return openBenchOwner(lakePaths(home), 256);
}

/** Record `j` lies in partition `j % 3` at offset `j / 3`. */
async function fillLog(home: string, records: number): Promise<void> {
  const writer = await openEmbeddedLog({ directory: lakePaths(home).log }).openWriter();
  const keys = keyOfEachPartition();
  const { fingerprint } = createContract();
  for (let from = 0; from < records; from += 3_000) {
    const batch: NewRecord[] = [];
    for (let j = from; j < Math.min(records, from + 3_000); j += 1)
      batch.push({
        topic: 'clickstream-events',
        key: keys[j % 3] ?? '',
        value: `{"event_id":"${idOf(j)}"}`,
        timestamp: receivedAt(j, records),
        judgedBy: fingerprint,
      });
    await writer.append(batch);
  }
  await writer.close();
}

function keyOfEachPartition(): readonly string[] {
  const keys = Array.from({ length: 100 }, (_, number) => `key-${number}`);
  return [0, 1, 2].map((partition) => keys.find((key) => partitionFor(key, 3) === partition) ?? '');
}

/** Of a duplicate: the id of the record before it. */
export function idOf(j: number): string {
  const number = j % 100 === 98 ? j - 1 : j;
  return hash('md5', `bench-${number}`);
}

function receivedAt(j: number, records: number): number {
  return endAt - days * dayMs + Math.floor((j / records) * days * dayMs);
}

async function fillTables(home: string, records: number): Promise<void> {
  const paths = lakePaths(home);
  await using opened = new AsyncDisposableStack();
  const duckdb = opened.adopt(await openLakeDuckdb(paths.scratch, 1024), (own) => own.closeSync());
  const tables = await openOrCreateTables({
    paths,
    openStore: localStore,
    duckdb,
    crashPoints: noCrashPoints,
    clock: Date.now,
  });
  for (const table of Object.values(tables)) opened.defer(() => table.close());
  const connection = opened.adopt(await utcConnection(duckdb), (own) => own.closeSync());
  for (let from = 0; from < records; from += recordsPerCommit) {
    const to = Math.min(records, from + recordsPerCommit);
    const transactions = [0, 1, 2].map((partition) => ({
      appId: partitionAppId('clickstream-events', partition),
      version: BigInt(Math.ceil((to - partition) / 3)),
    }));
    for (const [table, select] of [
      [tables.dead_letters, deadLetters(from, to, records)],
      [tables.duplicates, duplicates(from, to, records)],
      [tables.silver, silver(from, to, records)],
    ] as const) {
      await table.commit({
        operation: 'STREAMING UPDATE',
        adds: await table.stage(select, { connection, compression: 'zstd' }),
        transactions,
      });
    }
  }
}

/** Random ids, as clients make them: md5 has no order that statistics could use. */
const idSql = (j: string): string => `md5('bench-' || (${j}))`;

function recordsSql(from: number, to: number, records: number): string {
  return `SELECT j, j % 3 AS p, j // 3 AS o,
    make_timestamptz((${endAt - days * dayMs} + CAST(floor(j / ${records} * ${days * dayMs}) AS BIGINT)) * 1000) AS moment
    FROM range(${from}, ${to}) AS t(j)`;
}

function silver(from: number, to: number, records: number): string {
  const made: Readonly<Record<string, string>> = {
    event_id: idSql('j'),
    user_id: `'user-' || (hash(j // 12) % ${Math.max(10, Math.floor(records / 100))})`,
    event_type: `['page_view', 'product_view', 'page_view', 'product_view', 'add_to_cart', 'checkout', 'purchase'][1 + CAST(hash(j) % 7 AS BIGINT)]`,
    product_id: `CASE WHEN hash(j) % 7 IN (1, 3, 4, 6) THEN 'product-' || (hash(j + 1) % 50) END`,
    timestamp: `moment - to_seconds(CAST(hash(j + 2) % 30 AS INTEGER))`,
    page_url: `'https://shop.example/products/' || (hash(j + 1) % 50)`,
    time_on_page: `CAST(hash(j + 3) % 300 AS BIGINT)`,
    received_at: 'moment',
    processing_timestamp: 'now()',
    event_date: `CAST(moment - to_seconds(CAST(hash(j + 2) % 30 AS INTEGER)) AS DATE)`,
    source_id: `'bench'`,
    is_bot: 'hash(j + 4) % 50 = 0',
    schema_version: '1',
    log_topic: `'clickstream-events'`,
    log_partition: 'CAST(p AS INTEGER)',
    log_offset: 'CAST(o AS BIGINT)',
  };
  const columns = duckdbColumns.map(
    ({ name, type }) => `CAST(${made[name] ?? 'NULL'} AS ${type}) AS "${name}"`,
  );
  return `SELECT ${columns.join(', ')} FROM (${recordsSql(from, to, records)}) WHERE j % 100 < 98`;
}

function duplicates(from: number, to: number, records: number): string {
  return `SELECT ${idSql('j - 1')} AS event_id, 'clickstream-events' AS log_topic, CAST(p AS INTEGER) AS log_partition,
    CAST(o AS BIGINT) AS log_offset, moment AS received_at, 'clickstream-events' AS first_topic,
    CAST((j - 1) % 3 AS INTEGER) AS first_partition, CAST((j - 1) // 3 AS BIGINT) AS first_offset,
    CAST(moment AS DATE) AS event_date FROM (${recordsSql(from, to, records)}) WHERE j % 100 = 98`;
}

function deadLetters(from: number, to: number, records: number): string {
  return `SELECT 'clickstream-events' AS topic, CAST(p AS INTEGER) AS "partition", CAST(o AS BIGINT) AS "offset",
    moment AS received_at, 'missing_field' AS reason, 'user_id' AS field, 'no user' AS message, ${idSql('j')} AS event_id,
    'bench' AS source_id, CAST('{}' AS BLOB) AS raw, CAST(moment AS DATE) AS event_date, CAST(NULL AS VARCHAR) AS replay_of,
    CAST(NULL AS VARCHAR) AS judged_by FROM (${recordsSql(from, to, records)}) WHERE j % 100 = 99`;
}

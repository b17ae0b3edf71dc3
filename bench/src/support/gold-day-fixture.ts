import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { localStore, openTable, scanSql, type DeltaTable } from '@clicklake/delta-lake';
import { openEmbeddedLog, type NewRecord } from '@clicklake/event-log';
import { lakePaths, type LakePaths } from '@clicklake/pipeline';
import { createSimulation, type SimulatedRecord } from '@clicklake/simulator';
import { DuckDBInstance } from '@duckdb/node-api';
import { openBenchOwner } from './bench-owner.ts';
import { recordMaker } from './collected-records.ts';

/** Copies a commit: what DuckDB writes at a time. */
const copiesPerCommit = 1;

/** How the events of a date lie in it, and what follows upon them. */
export interface GoldDay {
  readonly name: string;
  readonly events: Iterable<SimulatedRecord>;
  /** What the load generator goes on with: its simulation's start, and how many of its events are here already. */
  readonly load: { readonly startAt: number; readonly passedOver: number };
}

const loadRate = 1000;

/** Events over 23 hours, as few a second as that makes; the load comes in the last hour. */
export function spreadDay(date: string, count: number): GoldDay {
  const startAt = Date.parse(`${date}T23:00:00Z`);
  const events = createSimulation({
    seed: 'gold day',
    time: { mode: 'back-fill', endAt: startAt, days: 23 / 24, events: count },
    duplicateRate: 0,
    malformedRate: 0,
    lateRate: 0,
  });
  return { name: 'spread', events, load: { startAt, passedOver: 0 } };
}

/** The load itself since midnight: most visits that there have been still go on. */
export function denseDay(date: string, count: number): GoldDay {
  const startAt = Date.parse(`${date}T00:00:00Z`);
  const events = createSimulation({
    seed: 'load',
    time: { mode: 'live', startAt, eventsPerSecond: loadRate },
    duplicateRate: 0,
    malformedRate: 0,
  });
  return {
    name: 'dense',
    events: take(events[Symbol.iterator](), count),
    load: { startAt, passedOver: count },
  };
}

/** The next of them; the iterator can be asked for more afterwards. */
function* take<T>(items: Iterator<T>, count: number): Generator<T, void> {
  for (let taken = 0; taken < count; taken += 1) {
    const next = items.next();
    if (next.done === true) return;
    yield next.value;
  }
}

/** A date has grown by refreshes: how its rows lie in files, and so what the next one costs, comes of that. */
const eventsPerRefresh = 10_000;
const refreshesPerPacking = 25;

/**
 * A home whose Silver holds a day's events, which came through log and ingest and were taken up by Gold a few seconds'
 * worth at a time. Silver is packed by the way, as maintenance does it.
 */
export function makeGoldDay(
  home: string,
  day: GoldDay,
  count: number,
  say: (line: string) => void,
): Promise<void> {
  return once(home, async () => {
    await mkdir(home, { recursive: true });
    const paths = lakePaths(home);
    say(`making ${home}: ${count} events`);
    const records = recordsOf(day.events);
    const owner = await openBenchOwner(paths);
    const refreshes = Math.ceil(count / eventsPerRefresh);
    for (let done = 1; done <= refreshes; done += 1) {
      await append(paths, take(records, eventsPerRefresh));
      await owner.catchUp(() => undefined);
      await owner.refresh({ full: false, models: [] });
      if (done % refreshesPerPacking === 0) await owner.optimize('silver', {});
      if (done % 10 === 0) say(`${done} of ${refreshes} refreshes`);
    }
    await owner.close();
  });
}

/**
 * Another home with copies of a day's visitors, as other visitors. Gold's tables are copied alike, which is what a
 * refresh would make of visitors who have nothing to do with each other.
 */
export function multiplyGoldDay(
  base: string,
  home: string,
  copies: number,
  say: (line: string) => void,
): Promise<void> {
  return once(home, async () => {
    say(`making ${home}: ${copies} copies of ${base}`);
    await cp(base, home, { recursive: true });
    await rm(join(home, doneFile));
    await multiply(lakePaths(home), copies, say);
  });
}

const doneFile = 'fixture.json';

/** Unless it is there already; what was left unfinished is made anew. */
async function once(home: string, make: () => Promise<void>): Promise<void> {
  const done = join(home, doneFile);
  if ((await nodeFileSystem.stat(done)) !== undefined) return;
  await rm(home, { recursive: true, force: true });
  await make();
  await writeFile(done, '{}');
}

function* recordsOf(events: Iterable<SimulatedRecord>): Generator<NewRecord, void> {
  const recordOf = recordMaker();
  for (const event of events) yield recordOf(event);
}

async function append(paths: LakePaths, records: Iterable<NewRecord>): Promise<void> {
  const writer = await openEmbeddedLog({ directory: paths.log }).openWriter();
  const batch: NewRecord[] = [];
  for (const record of records) {
    batch.push(record);
    if (batch.length >= 1000) await writer.append(batch.splice(0));
  }
  await writer.append(batch);
  await writer.close();
}

interface Copied {
  readonly table: DeltaTable;
  /** The base's rows, as a relation. */
  readonly rows: string;
}

async function multiply(paths: LakePaths, copies: number, say: (line: string) => void): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const duckdb = opened.adopt(
    await DuckDBInstance.create(':memory:', {
      memory_limit: '1500MB',
      threads: '2',
      preserve_insertion_order: 'false',
    }),
    (instance) => instance.closeSync(),
  );
  const connection = opened.adopt(await duckdb.connect(), (own) => own.closeSync());
  await connection.run("SET TimeZone = 'UTC'");
  const open = async (directory: string): Promise<Copied> => {
    const table = await openTable(localStore(directory, nodeFileSystem), {
      duckdb,
      crashPoints: noCrashPoints,
    });
    opened.defer(() => table.close());
    return { table, rows: scanSql(table.store, await table.snapshot()) };
  };
  const gold = (name: string): Promise<Copied> => open(join(paths.gold, name));
  const silver = await open(paths.tables.silver);
  const sessions = await gold('user_session_metrics');
  const activity = await gold('daily_user_activity');
  for (let copy = 1; copy < copies; copy += copiesPerCommit) {
    const as = (column: string): string => `${column} || '~${copy}' AS ${column}`;
    const append = ({ table, rows }: Copied, columns: readonly string[]): Promise<unknown> =>
      table.append(`SELECT * REPLACE (${columns.map(as).join(', ')}) FROM (${rows})`, { connection });
    await append(silver, ['event_id', 'user_id', 'anonymous_id']);
    await append(sessions, ['user_id', 'session_id']);
    await append(activity, ['user_id']);
    say(`copy ${copy + 1} of ${copies}`);
  }
  say('packing Silver, as maintenance would have');
  await silver.table.optimize({ targetFileBytes: 512 * 2 ** 20, rowGroupRows: 32_768 });
  const multiplied = async (name: string, counts: readonly string[]): Promise<Copied> => {
    const found = await gold(name);
    const times = counts.map((column) => `${column} * ${copies} AS ${column}`);
    await found.table.replaceWhere([{}], `SELECT * REPLACE (${times.join(', ')}) FROM (${found.rows})`, {
      connection,
    });
    return found;
  };
  const common = ['product_views', 'add_to_carts', 'checkouts', 'purchases'];
  const products = await multiplied('product_performance', [
    'total_views',
    'unique_users',
    ...common.slice(1),
    'seconds_on_page',
    'timed_events',
  ]);
  const rates = await multiplied('product_conversion_rates', common);
  const days = await multiplied('daily_aggregates', [
    'total_events',
    'users',
    'buyers',
    'active_sessions',
    'page_views',
    'custom_events',
    ...common,
  ]);
  await seenBy(silver, [sessions, activity, products], 'clickstream.silver');
  await seenBy(sessions, [activity], 'user_session_metrics');
  await seenBy(activity, [days], 'daily_user_activity');
  await seenBy(products, [rates], 'product_performance');
}

/** Tells tables that they stand for the newest version of an input. */
async function seenBy(input: Copied, tables: readonly Copied[], name: string): Promise<void> {
  const { version } = await input.table.snapshot();
  for (const { table } of tables)
    await table.commit({
      operation: 'WRITE',
      transactions: [{ appId: `clicklake-refresh-${name}`, version: BigInt(version) }],
    });
}

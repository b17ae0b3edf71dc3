import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { column, quoteLiteral, scanSql, type DeltaTable } from '@clicklake/delta-lake';
import { tableNames, type TableName } from '@clicklake/pipeline';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { goldTablesOf } from './harness/gold-tables.ts';
import { expectExactlyOnce } from './harness/expectations.ts';
import { makeWorkload, type Workload } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

/** A Python that has deltalake, duckdb, pyarrow and duckdb-extension-delta. */
const python = process.env.PYTHON ?? 'python3';
const oracle = join(import.meta.dirname, 'harness', 'independent_reader.py');

let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
let lake: TestLake;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true' });
  connection = await duckdb.connect();
  const find =
    'import duckdb_extension_delta, pathlib; print(next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension")))';
  await connection.run(
    `LOAD ${quoteLiteral(execFileSync(python, ['-c', find], { encoding: 'utf8' }).trim())}`,
  );
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(() => {
  connection.closeSync();
  duckdb.closeSync();
});
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

async function jsonRows(select: string): Promise<string[]> {
  const found = await connection.runAndReadAll(`SELECT to_json(r)::VARCHAR FROM (${select}) r ORDER BY 1`);
  return found.getRows().map(([row]) => String(row));
}

function deltalakeRows(root: string, versions: readonly number[]): Readonly<Record<string, string[]>> {
  const { stdout, stderr, status } = spawnSync(python, [oracle], {
    input: JSON.stringify({ root, versions }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string[]>;
}

/** Every reader gives the same rows of every version from `first` on. */
async function expectAgreement(
  name: string,
  table: DeltaTable,
  first = 0,
  root = lake.paths.tables[name as TableName],
): Promise<void> {
  const { version: newest } = await table.snapshot();
  const versions = Array.from({ length: newest - first + 1 }, (_, index) => first + index);
  const theirs = deltalakeRows(root, versions);
  for (const version of versions) {
    const ours = await jsonRows(scanSql(table.store, await table.snapshotAt({ version })));
    const extension = await jsonRows(`SELECT * FROM delta_scan(${quoteLiteral(root)}, version = ${version})`);
    expect({ name, version, rows: theirs[version] }).toEqual({ name, version, rows: ours });
    expect({ name, version, rows: extension }).toEqual({ name, version, rows: ours });
  }
}

async function expectAllAgree(first?: Partial<Record<TableName, number>>): Promise<void> {
  const opened = await lake.tables();
  for (const name of tableNames) await expectAgreement(name, opened.tables[name], first?.[name]);
  await opened.close();
}

it('deltalake and DuckDB read every table of the lake at every version, and agree row for row', async () => {
  const start = Date.now() - 60_000;
  const first = makeWorkload('first', 150, start);
  await lake.append(first.records);
  const before = await lake.tables();
  for (const name of tableNames) await before.tables[name].setProperties({ 'delta.checkpointInterval': '3' });
  await before.close();

  const owner = await lake.open({ settings: { tickBytes: 12_000, commitBytes: 12_000 } });
  await owner.catchUp(() => undefined);
  const filled = (await owner.tables())[0]?.version ?? 0;
  await expectAllAgree();

  for (const name of tableNames) await owner.optimize(name, {});
  await owner.restore('silver', { version: filled - 1 });
  await owner.catchUp(() => undefined);
  await expectExactlyOnce(owner, first);
  await owner.close();
  const evolving = await lake.tables();
  await evolving.tables.silver.addColumns([column('added_later', 'string')]);
  await evolving.close();

  const second = makeWorkload('second', 60, start + 1000);
  await lake.append(second.records);
  const again = await lake.open();
  await again.catchUp(() => undefined);
  await expectExactlyOnce(again, {
    records: [...first.records, ...second.records],
    silverIds: new Set([...first.silverIds, ...second.silverIds]),
    duplicates: first.duplicates + second.duplicates,
    deadLetters: first.deadLetters + second.deadLetters,
  });
  await again.close();
  await expectAllAgree();

  // VACUUM takes what only versions before this one need: those from here on stay whole.
  const vacuuming = await lake.tables();
  const kept: Partial<Record<TableName, number>> = {};
  for (const name of tableNames) {
    const table = vacuuming.tables[name];
    await table.optimize({ sortBy: name === 'dead_letters' ? ['offset'] : ['log_offset'] });
    const { keys } = await table.vacuum({ retentionHours: 0, allowShorterRetention: true });
    expect(keys.length).toBeGreaterThan(0);
    kept[name] = (await table.checkpoint()).version;
  }
  await vacuuming.close();
  await expectAllAgree(kept);
});

it('deltalake and DuckDB read each Gold table at every version, and agree row for row', async () => {
  const start = Date.now() - 60_000;
  const batches = ['first', 'second', 'third'].map((name, index) =>
    makeWorkload(name, 60 - 20 * index, start + 1000 * index),
  );
  const owner = await lake.open();
  const [first, ...later] = batches;
  const takeUp = async (records: Workload['records']): Promise<void> => {
    await lake.append(records);
    await owner.catchUp(() => undefined);
    await owner.refresh({ full: false, models: [] });
  };
  await takeUp(first?.records ?? []);
  expect((await owner.test({ names: [] })).passed).toBe(true);
  await appendWrongEvent();
  for (const { records } of later) {
    await takeUp(records);
    // Rows of `test_failures`, and then others in their place.
    expect((await owner.test({ names: [] })).passed).toBe(false);
  }
  const { models } = await owner.refresh({ full: true, models: ['product_performance'] });
  expect(models.length).toBeGreaterThan(0);
  await owner.close();

  const gold = goldTablesOf(lake, duckdb);
  const tables = await gold.all();
  expect([...tables.keys()]).toEqual([
    'daily_aggregates',
    'daily_user_activity',
    'product_conversion_rates',
    'product_performance',
    'test_failures',
    'user_session_metrics',
  ]);
  for (const [name, table] of tables) {
    expect((await table.snapshot()).version).toBeGreaterThan(1);
    await expectAgreement(name, table, 0, join(lake.paths.gold, name));
  }

  for (const [name, table] of tables) {
    const rows = await jsonRows(scanSql(table.store, await table.snapshot()));
    expect(rows.length).toBeGreaterThan(0);
    const { filesAdded } = await table.optimize({ sortBy: [sortColumns[name] ?? 'total_events'] });
    expect(filesAdded).toBeGreaterThan(0);
    const { keys } = await table.vacuum({ retentionHours: 0, allowShorterRetention: true });
    expect(keys.length).toBeGreaterThan(0);
    const { version } = await table.checkpoint();
    await expectAgreement(name, table, version, join(lake.paths.gold, name));
    expect(await jsonRows(scanSql(table.store, await table.snapshot()))).toEqual(rows);
  }
  await gold.close();

  // A refresh goes on from there.
  const again = await lake.open();
  await lake.append(makeWorkload('fourth', 10, start + 5000).records);
  await again.catchUp(() => undefined);
  await again.refresh({ full: false, models: [] });
  await again.close();
  const reopened = goldTablesOf(lake, duckdb);
  for (const [name, table] of await reopened.all()) {
    const { version } = await table.snapshot();
    await expectAgreement(name, table, version, join(lake.paths.gold, name));
  }
  await reopened.close();
});

const sortColumns: Readonly<Record<string, string>> = {
  product_performance: 'product_id',
  product_conversion_rates: 'product_id',
  test_failures: 'test',
};

/** One of a type that there is not: a data test finds it. */
async function appendWrongEvent(): Promise<void> {
  const opened = await lake.tables();
  const { silver } = opened.tables;
  const rows = scanSql(silver.store, await silver.snapshot());
  await silver.append(
    `SELECT * REPLACE ('wrong' AS event_id, 'wink' AS event_type) FROM (${rows}) ORDER BY log_partition, log_offset LIMIT 1`,
  );
  await opened.close();
}

import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { column, localStore, quoteLiteral, scanSql, type DeltaTable } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { tableNames, type TableName } from '@clicklake/pipeline';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { openGoldTables } from '../src/lake/gold-tables.ts';
import { expectExactlyOnce } from './harness/expectations.ts';
import { makeWorkload } from './harness/records.ts';
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
  const [first, second] = [makeWorkload('first', 60, start), makeWorkload('second', 30, start + 1000)];
  const owner = await lake.open();
  for (const { records } of [first, second]) {
    await lake.append(records);
    await owner.catchUp(() => undefined);
    await owner.refresh({ full: false, models: [] });
  }
  const { models } = await owner.refresh({ full: true, models: ['product_performance'] });
  expect(models.length).toBeGreaterThan(0);
  await owner.close();

  const gold = openGoldTables({
    directory: lake.paths.gold,
    files: nodeFileSystem,
    openStore: localStore,
    duckdb,
    crashPoints: noCrashPoints,
    clock: Date.now,
  });
  const tables = await gold.all();
  expect([...tables.keys()]).toEqual([
    'daily_aggregates',
    'daily_user_activity',
    'product_conversion_rates',
    'product_performance',
    'user_session_metrics',
  ]);
  for (const [name, table] of tables) {
    expect((await table.snapshot()).version).toBeGreaterThan(1);
    await expectAgreement(name, table, 0, join(lake.paths.gold, name));
  }
  await gold.close();
});

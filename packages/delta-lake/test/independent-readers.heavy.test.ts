import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  column,
  createTable,
  type DeltaTable,
  localStore,
  openTable,
  quoteLiteral,
  scanSql,
  structOf,
} from '@clicklake/delta-lake';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

/** A Python that has deltalake, duckdb, pyarrow and duckdb-extension-delta. */
const python = process.env.PYTHON ?? 'python3';
const oracle = join(import.meta.dirname, 'deltalake_oracle.py');

let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
let directory: string;
let root: string;

beforeAll(async () => {
  duckdb = await DuckDBInstance.create(':memory:', { allow_unsigned_extensions: 'true' });
  connection = await duckdb.connect();
  const find =
    'import duckdb_extension_delta, pathlib; print(next(pathlib.Path(duckdb_extension_delta.__file__).parent.rglob("*.duckdb_extension")))';
  const extension = execFileSync(python, ['-c', find], { encoding: 'utf8' }).trim();
  await connection.run(`LOAD ${quoteLiteral(extension)}`);
  await connection.run("SET TimeZone = 'UTC'");
  directory = await mkdtemp(join(tmpdir(), 'delta-readers-'));
});
afterAll(async () => {
  connection.closeSync();
  duckdb.closeSync();
  await rm(directory, { recursive: true });
});
beforeEach(({ task }) => {
  root = join(directory, task.id);
});

interface WriteStep {
  readonly do: 'write' | 'delete' | 'optimize' | 'checkpoint' | 'cleanup' | 'int96';
  readonly sql?: string;
  readonly path?: string;
  readonly predicate?: string;
  readonly options?: Readonly<Record<string, unknown>>;
}

function ask(request: object): unknown {
  const { stdout, stderr, status } = spawnSync(python, [oracle], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as unknown;
}

function deltalakeWrites(...steps: readonly WriteStep[]): number {
  return ask({ command: 'write', root, steps }) as number;
}

async function jsonRows(select: string): Promise<string[]> {
  const rows = await connection.runAndReadAll(`SELECT to_json(r)::VARCHAR FROM (${select}) r ORDER BY 1`);
  return rows.getRowsJson().map(([row]) => row as string);
}

/** Reads these versions with all three readers and demands the same rows; returns the newest's. */
async function expectAgreement(table: DeltaTable, versions: readonly number[]): Promise<readonly string[]> {
  const theirs = ask({ command: 'read', root, versions }) as Readonly<Record<string, string[]>>;
  let newest: readonly string[] = [];
  for (const version of versions) {
    const ours = await jsonRows(scanSql(table.store, await table.snapshotAt({ version })));
    const extension = await jsonRows(`SELECT * FROM delta_scan(${quoteLiteral(root)}, version = ${version})`);
    expect({ version, rows: ours }).toEqual({ version, rows: theirs[version] });
    expect({ version, rows: ours }).toEqual({ version, rows: extension });
    newest = ours;
  }
  return newest;
}

const upTo = (version: number): number[] => Array.from({ length: version + 1 }, (_, index) => index);

const everyType = structOf(
  column('id', 'long'),
  column('i', 'integer'),
  column('s', 'short'),
  column('b', 'byte'),
  column('f', 'float'),
  column('d', 'double'),
  column('amount', 'decimal(12,2)'),
  column('flag', 'boolean'),
  column('text', 'string'),
  column('raw', 'binary'),
  column('day', 'date'),
  column('at', 'timestamp'),
  column('nested', structOf(column('x', 'long'), column('deep', structOf(column('y', 'string'))))),
  column('tags', { type: 'array', elementType: 'string', containsNull: true }),
  column('labels', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }),
  column('event_date', 'date'),
  column('country', 'string'),
);

const rowsOfEveryType = (from: number, to: number): string => `
  SELECT i::BIGINT AS id, i::INTEGER AS i, i::SMALLINT AS s, (i % 100)::TINYINT AS b, (i * 0.5)::FLOAT AS f,
    CASE WHEN i % 7 = 0 THEN NULL WHEN i % 11 = 0 THEN 'nan'::DOUBLE ELSE i / 3.0::DOUBLE END AS d,
    (i * 1.25)::DECIMAL(12,2) AS amount, i % 2 = 0 AS flag,
    CASE WHEN i % 5 = 0 THEN NULL ELSE repeat('ünïcode "quoted" 😀', (i % 5)::INTEGER) END AS text,
    encode('raw ' || i) AS raw, DATE '1969-12-30' + i::INTEGER AS day,
    TIMESTAMPTZ '1969-12-31 23:59:59.987654+00' + INTERVAL (i) MINUTE AS at,
    CASE WHEN i % 4 = 0 THEN NULL ELSE {x: i::BIGINT, deep: {y: 'y' || i}} END AS nested,
    CASE WHEN i % 3 = 0 THEN [] ELSE ['a', NULL, 'b' || i] END AS tags,
    MAP {'k' || i: i::BIGINT, 'none': NULL} AS labels,
    DATE '2026-01-01' + (i % 3)::INTEGER AS event_date,
    CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN 'a/b=c d%20' WHEN 2 THEN 'Österreich: ''NULL''' ELSE 'NULL' END AS country
  FROM range(${from}, ${to}) r(i)`;

test('every version of a table that went through everything', async () => {
  const store = localStore(root);
  const table = await createTable(
    store,
    {
      schema: everyType,
      partitionColumns: ['event_date', 'country'],
      configuration: { 'delta.checkpointInterval': '4' },
    },
    { duckdb },
  );
  await table.append(rowsOfEveryType(0, 50), { transactions: [{ appId: 'app', version: 2n ** 53n + 1n }] });
  await table.append(rowsOfEveryType(50, 60));
  await table.addColumns([column('added', 'double'), column('extra', structOf(column('z', 'long')))]);
  await table.append(
    `SELECT *, 1.5::DOUBLE AS added, {z: 7::BIGINT} AS extra FROM (${rowsOfEveryType(60, 80)})`,
  );
  const third = { event_date: '2026-01-03' };
  await table.replaceWhere(
    [third],
    `SELECT * FROM (${rowsOfEveryType(100, 130)}) WHERE event_date = '2026-01-03'`,
  );
  expect((await table.optimize()).versions.length).toBeGreaterThan(3);
  await table.optimize({ zOrderBy: ['id', 'at'], partitions: [third] });
  await table.deletePartitions([{ country: null }]);
  await table.append(rowsOfEveryType(200, 210));
  const { version } = await table.checkpoint();
  const before = await expectAgreement(table, upTo(version));

  const restored = await table.restore({ version: 2 });
  const atTwo = await expectAgreement(table, [2]);
  expect(await expectAgreement(table, [restored.version])).toEqual(atTwo);
  const back = await table.restore({ version });
  expect(await expectAgreement(table, [back.version])).toEqual(before);
  await expectAgreement(table, upTo(back.version));
  await table.close();
});

test('versions inside the retention after VACUUM and log clean-up', async () => {
  let now = Date.now() - 2 * 86_400_000;
  const store = localStore(root);
  const table = await createTable(
    store,
    {
      schema: everyType,
      partitionColumns: ['event_date', 'country'],
      configuration: { 'delta.checkpointInterval': '3' },
    },
    { duckdb, clock: () => now },
  );
  for (let from = 0; from < 100; from += 20) await table.append(rowsOfEveryType(from, from + 20));
  await table.optimize();
  const old = (await table.snapshot()).version;
  now = Date.now();
  await table.append(rowsOfEveryType(100, 110));
  const { keys } = await table.vacuum({ retentionHours: 1, allowShorterRetention: true });
  expect(keys.length).toBeGreaterThan(10);
  const newest = (await table.append(rowsOfEveryType(110, 120))).version;
  // What VACUUM took, only versions before the OPTIMIZE of two days ago had needed.
  await expectAgreement(table, upTo(newest).slice(old));
  await table.setProperties({ 'delta.logRetentionDuration': 'interval 0 days' });
  await table.checkpoint();
  const removed = await table.cleanUpLog();
  expect(removed).toContain('_delta_log/00000000000000000000.json');
  await expect(table.snapshotAt({ version: 0 })).rejects.toMatchObject({ code: 'delta-version-not-found' });
  expect(newest).toBe(old + 2);
  const reopened = await openTable(localStore(root), { duckdb });
  await expectAgreement(reopened, [(await reopened.snapshot()).version]);
  await table.close();
  await reopened.close();
});

const simpleRows = (from: number, to: number): string =>
  `SELECT i AS id, 'text ' || i AS text, TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL (i) MILLISECOND AS at, 'p' || i % 3 || '/ä' AS part FROM range(${from}, ${to}) r(i)`;

test('a table that deltalake wrote is read at every version and continued', async () => {
  const newest = deltalakeWrites(
    { do: 'write', sql: simpleRows(0, 30), options: { partition_by: ['part'] } },
    { do: 'write', sql: simpleRows(30, 40), options: { mode: 'append' } },
    {
      do: 'write',
      sql: `SELECT *, 5 AS added FROM (${simpleRows(40, 50)})`,
      options: { mode: 'append', schema_mode: 'merge' },
    },
    { do: 'delete', predicate: 'id % 4 = 0' },
    { do: 'checkpoint' },
    { do: 'write', sql: `SELECT *, 6 AS added FROM (${simpleRows(50, 60)})`, options: { mode: 'append' } },
    { do: 'optimize' },
  );
  const table = await openTable(localStore(root), { duckdb });
  await expectAgreement(table, upTo(newest));

  await table.append(`SELECT *, 7 AS added FROM (${simpleRows(60, 70)})`, {
    transactions: [{ appId: 'ours', version: 70n }],
  });
  await table.optimize({ sortBy: ['id'] });
  await table.checkpoint();
  const theirs = deltalakeWrites(
    { do: 'write', sql: `SELECT *, 8 AS added FROM (${simpleRows(70, 80)})`, options: { mode: 'append' } },
    { do: 'checkpoint' },
    { do: 'write', sql: `SELECT *, 9 AS added FROM (${simpleRows(80, 90)})`, options: { mode: 'overwrite' } },
  );
  await expectAgreement(table, upTo(theirs));
  expect((await table.snapshot()).transactions.get('ours')).toBe(70n);
  const reopened = await openTable(localStore(root), { duckdb });
  expect((await reopened.snapshot()).transactions.get('ours')).toBe(70n);
  await table.close();
  await reopened.close();
});

test('what deltalake writes with features that we lack is refused by their names', async () => {
  deltalakeWrites({ do: 'write', sql: "SELECT 1 AS id, TIMESTAMP '2026-01-01 00:00:00' AS local" });
  const table = await openTable(localStore(root), { duckdb });
  await expectAgreement(table, [0]);
  await expect(table.append('SELECT 2 AS id')).rejects.toMatchObject({
    code: 'delta-unsupported-writer',
    message: expect.stringContaining('timestampNtz') as string,
  });
  await table.close();
});

test('INT96 timestamps of old Spark and Impala files are read as the instants they are', async () => {
  const store = localStore(root);
  const table = await createTable(store, { schema: structOf(column('at', 'timestamp')) }, { duckdb });
  deltalakeWrites({
    do: 'int96',
    sql: "SELECT TIMESTAMPTZ '2026-06-01 12:00:00.123456+00' AS at",
    path: join(root, 'int96.parquet'),
  });
  const size = (await store.head('int96.parquet'))?.size ?? 0;
  await table.commit({
    operation: 'WRITE',
    adds: [
      {
        path: 'int96.parquet',
        partitionValues: {},
        size,
        modificationTime: 0,
        dataChange: true,
        stats: null,
        tags: null,
      },
    ],
  });
  const [row] = (
    await connection.runAndReadAll(`SELECT epoch_us("at") FROM (${scanSql(store, await table.snapshot())})`)
  ).getRowsJson();
  expect(row).toEqual([String(Date.UTC(2026, 5, 1, 12) * 1000 + 123456)]);
  await table.close();
});

import { utimes, writeFile, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  column,
  createTable,
  localStore,
  parseStatistics,
  rewindTransactions,
  scanSql,
  structOf,
} from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import type { AddFile } from '../src/log/actions.ts';
import { planCompaction } from '../src/operations/optimize.ts';
import { events, idsOf, rowsOfDay, useDuckDb, withDirectory } from './fixtures.ts';

const db = useDuckDb();
const hour = 3_600_000;

function fileOf(path: string, day: string, size: number): AddFile {
  return {
    path,
    partitionValues: { day },
    size,
    modificationTime: 0,
    dataChange: true,
    stats: null,
    tags: null,
  };
}

describe('OPTIMIZE', () => {
  test('packs small neighbours of one partition up to the target and leaves large and lone files alone', async () => {
    const { metadata } = await (await createTable(db.memoryStore(), events, db)).snapshot();
    const files = [
      fileOf('a1', 'a', 40),
      fileOf('a2', 'a', 90),
      fileOf('a3', 'a', 40),
      fileOf('a4', 'a', 40),
      fileOf('a5', 'a', 10),
      fileOf('b1', 'b', 10),
      fileOf('c1', 'c', 10),
      fileOf('c2', 'c', 10),
    ];
    const snapshot = { metadata, files: new Map(files.map((file) => [file.path, file])) };
    const plan = (options = {}): string[][] =>
      planCompaction(snapshot, { targetFileBytes: 100, ...options }).map((group) =>
        group.files.map((file) => file.path),
      );
    expect(plan()).toEqual([
      ['a1', 'a3'],
      ['a4', 'a5'],
      ['c1', 'c2'],
    ]);
    expect(plan({ partitions: [{ day: 'c' }] })).toEqual([['c1', 'c2']]);
    expect(plan({ sortBy: ['id'], partitions: [{ day: 'a' }] })).toEqual([['a1', 'a2', 'a3', 'a4', 'a5']]);
  });

  test('keeps every row, says that no data changed, and finds nothing to do the second time', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    for (let id = 0; id < 6; id += 1)
      await table.append(rowsOfDay(id < 4 ? '2026-01-01' : '2026-01-02', id, id + 1));
    const before = await db.rowsOf(store, await table.snapshot());
    const result = await table.optimize();
    expect(result).toMatchObject({ filesRemoved: 6, filesAdded: 2, conflicts: 0, versions: [7, 8] });
    expect(await db.rowsOf(store, await table.snapshot())).toEqual(before);
    expect([...(await table.snapshot()).files.values()].every((file) => !file.dataChange)).toBe(true);
    expect([...(await table.snapshot()).tombstones.values()].every((file) => !file.dataChange)).toBe(true);
    expect((await table.optimize()).versions).toEqual([]);
  });

  test('sorts, and cuts a large partition into files of about the target size', async () => {
    const store = db.memoryStore();
    const schema = structOf(column('id', 'long'), column('noise', 'string'));
    const table = await createTable(store, { schema }, db);
    await table.append(
      'SELECT hash(i)::BIGINT % 1000000 AS id, md5(i::VARCHAR) AS noise FROM range(400000) r(i)'.replace(
        'hash(i)::BIGINT',
        '(hash(i) // 2)::BIGINT',
      ),
    );
    const result = await table.optimize({ sortBy: ['id'], targetFileBytes: 3_000_000 });
    expect(result.filesAdded).toBeGreaterThan(1);
    const ranges = [...(await table.snapshot()).files.values()]
      .map((file) => parseStatistics(file.stats))
      .map((stats) => [Number(stats?.minValues.id), Number(stats?.maxValues.id)] as const)
      .sort(([left], [right]) => left - right);
    for (const [index, [minimum]] of ranges.entries()) {
      if (index > 0) expect(minimum).toBeGreaterThanOrEqual(ranges[index - 1]?.[1] ?? Infinity);
    }
    const [file] = (await table.snapshot()).files.values();
    const inOrder = `SELECT bool_and(id >= previous) FROM (SELECT id, lag(id, 1, id) OVER (ORDER BY file_row_number) AS previous FROM read_parquet('${store.location(file?.path ?? '')}', file_row_number = true))`;
    expect(await db.query(inOrder)).toEqual([[true]]);
    expect(
      await db.query(
        `SELECT count(*), count(DISTINCT noise) FROM (${scanSql(store, await table.snapshot())})`,
      ),
    ).toEqual([['400000', '400000']]);
  });

  test('writes row groups of the size asked for, which bounds what a writer holds', async () => {
    const store = db.memoryStore();
    const schema = structOf(column('id', 'long'), column('text', 'string'));
    const table = await createTable(store, { schema }, db);
    for (const from of [0, 9000])
      await table.append(`SELECT i AS id, md5(i::VARCHAR) AS text FROM range(${from}, ${from + 9000}) r(i)`);
    await table.optimize({ rowGroupRows: 4096 });
    const [file] = (await table.snapshot()).files.values();
    const groups = await db.query(
      `SELECT count(DISTINCT row_group_id) >= 4, max(row_group_num_rows) <= 4096 + 2048 FROM parquet_metadata('${store.location(file?.path ?? '')}')`,
    );
    // DuckDB cuts between vectors of 2048 rows.
    expect(groups).toEqual([[true, true]]);
  });

  test('Z-order narrows the ranges of every column that it names', async () => {
    const store = db.memoryStore();
    const schema = structOf(column('x', 'long'), column('y', 'string'), column('noise', 'string'));
    const table = await createTable(store, { schema }, db);
    await table.append(
      "SELECT (i * 7919) % 100003 AS x, lpad(((i * 104729) % 99991)::VARCHAR, 5, '0') AS y, md5(i::VARCHAR) AS noise FROM range(700000) r(i)",
    );
    await table.optimize({ zOrderBy: ['x', 'y'], targetFileBytes: 1_000_000 });
    const files = [...(await table.snapshot()).files.values()].map((file) => parseStatistics(file.stats));
    expect(files.length).toBeGreaterThanOrEqual(4);
    const covering = (name: string, value: number | string): number =>
      files.filter(
        (stats) =>
          stats !== undefined &&
          (stats.minValues[name] as typeof value) <= value &&
          (stats.maxValues[name] as typeof value) >= value,
      ).length;
    expect(covering('x', 20_000)).toBeLessThan(files.length);
    expect(covering('y', '20000')).toBeLessThan(files.length);
    expect(
      await db.query(
        `SELECT count(*), count(DISTINCT noise) FROM (${scanSql(store, await table.snapshot())})`,
      ),
    ).toEqual([['700000', '700000']]);
  });

  test('columns that rows cannot be ordered by are refused', async () => {
    const table = await createTable(db.memoryStore(), events, db);
    await expect(table.optimize({ sortBy: ['day'] })).rejects.toMatchObject({
      code: 'delta-invalid-argument',
    });
    await expect(table.optimize({ zOrderBy: ['nothing'] })).rejects.toMatchObject({
      code: 'delta-invalid-argument',
    });
  });
});

describe('VACUUM', () => {
  test('takes what was removed, or never committed, longer ago than the retention, and nothing else', async () => {
    await withDirectory(async (directory) => {
      let now = Date.now();
      const store = localStore(directory);
      const table = await createTable(store, events, { duckdb: db.duckdb, clock: () => now });
      await table.append(rowsOfDay('2026-01-01', 0, 1));
      const [old] = (await table.snapshot()).files.keys();
      await table.deletePartitions([{}]);
      now += 100 * hour;
      await table.append(rowsOfDay('2026-01-01', 1, 2));
      const [, young] = [old, ...(await table.snapshot()).files.keys()];
      await table.deletePartitions([{}]);
      await table.append(rowsOfDay('2026-01-01', 2, 3));
      const place = async (key: string, ageHours: number): Promise<string> => {
        await mkdir(join(directory, key, '..'), { recursive: true });
        await writeFile(join(directory, key), 'x');
        const time = (now - ageHours * hour) / 1000;
        await utimes(join(directory, key), time, time);
        return key;
      };
      const orphan = await place('day=2026-01-09/orphan.parquet', 200);
      await place('day=2026-01-09/staged-just-now.parquet', 1);
      await place('_anything/else', 999);
      await place('.hidden', 999);

      await expect(table.vacuum({ retentionHours: 50 })).rejects.toMatchObject({
        code: 'delta-retention-too-short',
      });
      await expect(table.vacuum({ retentionHours: -1 })).rejects.toMatchObject({
        code: 'delta-invalid-argument',
      });
      const options = { retentionHours: 50, allowShorterRetention: true };
      const plan = await table.vacuum({ ...options, dryRun: true });
      expect([...plan.keys].sort()).toEqual([old, orphan].sort());
      expect(await store.head(orphan)).toBeDefined();
      expect(await table.vacuum(options)).toMatchObject({ keys: plan.keys, bytes: plan.bytes });
      expect(await store.head(orphan)).toBeUndefined();
      expect(await store.head(young ?? '')).toBeDefined();
      expect(await store.head('_anything/else')).toBeDefined();
      expect(await store.head('.hidden')).toBeDefined();
      expect(await idsOf(db, table)).toEqual([2]);
      expect((await table.vacuum(options)).keys).toEqual([]);
    });
  });

  test('of a table that keeps nothing, takes no file that a writer may have staged and will commit', async () => {
    await withDirectory(async (directory) => {
      let now = Date.now();
      const store = localStore(directory);
      const table = await createTable(store, events, { duckdb: db.duckdb, clock: () => now });
      await table.setProperties({ 'delta.deletedFileRetentionDuration': 'interval 1 seconds' });
      await table.append(rowsOfDay('2026-01-01', 0, 1));
      const [removed = ''] = (await table.snapshot()).files.keys();
      await table.deletePartitions([{}]);
      const adds = await table.stage(`SELECT * FROM (${rowsOfDay('2026-01-01', 1, 2)})`);
      now += hour / 30;
      expect((await table.vacuum()).keys).toEqual([removed]);
      await table.commit({ operation: 'WRITE', operationParameters: {}, adds });
      expect(await idsOf(db, table)).toEqual([1]);
      await table.stage(`SELECT * FROM (${rowsOfDay('2026-01-01', 2, 3)})`);
      now += hour;
      expect((await table.vacuum()).keys).toHaveLength(1);
      expect(await idsOf(db, table)).toEqual([1]);
    });
  });

  test('takes what a killed writer left in _staging and _delta_log, once it is as old as the retention', async () => {
    await withDirectory(async (directory) => {
      const now = Date.now();
      const store = localStore(directory);
      const table = await createTable(store, events, { duckdb: db.duckdb, clock: () => now });
      await table.append(rowsOfDay('2026-01-01', 0, 1));
      const age = async (path: string, hours: number): Promise<void> => {
        const time = (now - hours * hour) / 1000;
        await utimes(path, time, time);
      };
      const stagingOf = async (directoryHours: number, fileHours: number): Promise<string> => {
        const staging = await store.createStaging();
        await mkdir(join(staging, 'day=2026-01-01'));
        await writeFile(join(staging, 'day=2026-01-01', 'a.parquet'), '1234');
        await age(join(staging, 'day=2026-01-01', 'a.parquet'), fileHours);
        await age(join(staging, 'day=2026-01-01'), directoryHours);
        await age(staging, directoryHours);
        return `_staging/${basename(staging)}`;
      };
      const dead = await stagingOf(200, 200);
      const live = await stagingOf(200, 1);
      const unnamed = '_delta_log/.0b0e7b8e.tmp';
      await writeFile(join(directory, unnamed), '123456');
      await age(join(directory, unnamed), 200);

      const plan = await table.vacuum({ dryRun: true });
      expect([...plan.keys].sort()).toEqual([unnamed, dead].sort());
      expect(plan.bytes).toBe(10);
      expect(await readdir(join(directory, '_staging'))).toHaveLength(2);

      expect(await table.vacuum()).toMatchObject({ keys: plan.keys, bytes: 10, dryRun: false });
      // A live writer's staging is left alone even by a retention of nothing.
      expect((await table.vacuum({ retentionHours: 0, allowShorterRetention: true })).keys).toEqual([]);
      expect(await readdir(join(directory, '_staging'))).toEqual([basename(live)]);
      expect((await readdir(join(directory, '_delta_log'))).filter((name) => name.endsWith('.tmp'))).toEqual(
        [],
      );
      expect(await idsOf(db, table)).toEqual([0]);
    });
  });

  test('directories of a partition column that starts with an underscore are data', async () => {
    let now = Date.now();
    const store = db.memoryStore();
    const schema = structOf(column('id', 'long'), column('_p', 'string'));
    const table = await createTable(
      store,
      { schema, partitionColumns: ['_p'] },
      { duckdb: db.duckdb, clock: () => now },
    );
    await table.append("SELECT 1::BIGINT AS id, 'x' AS _p");
    await table.deletePartitions([{}]);
    now += 200 * hour;
    expect((await table.vacuum()).keys).toHaveLength(1);
  });
});

describe('RESTORE', () => {
  test('brings back files, schema and properties as a new version and keeps the history', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 2));
    await table.replaceWhere([{ day: '2026-01-01' }], rowsOfDay('2026-01-01', 5, 6));
    await table.addColumns([column('extra', 'long')]);
    const restored = await table.restore({ version: 1 });
    expect(restored).toMatchObject({ version: 4, restoredVersion: 1, addedFiles: 1, removedFiles: 1 });
    expect(await db.rowsOf(store, await table.snapshot())).toEqual(
      await db.rowsOf(store, await table.snapshotAt({ version: 1 })),
    );
    expect((await table.history()).map((entry) => entry.operation)).toEqual([
      'RESTORE',
      'ADD COLUMNS',
      'WRITE',
      'WRITE',
      'CREATE TABLE',
    ]);
    await table.restore({ version: 3 });
    expect((await table.snapshot()).schema.fields.map((field) => field.name)).toEqual([
      'id',
      'text',
      'day',
      'extra',
    ]);
    expect(await idsOf(db, table)).toEqual([5]);
  });

  test('keeps transactions, or rewinds them in the same commit (S4.3)', async () => {
    const table = await createTable(db.memoryStore(), events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 1), { transactions: [{ appId: 'p0', version: 1n }] });
    await table.append(rowsOfDay('2026-01-01', 1, 2), {
      transactions: [
        { appId: 'p0', version: 2n },
        { appId: 'p1', version: 7n },
      ],
    });
    await table.restore({ version: 1 });
    expect((await table.snapshot()).transactions).toEqual(
      new Map([
        ['p0', 2n],
        ['p1', 7n],
      ]),
    );
    const { version } = await table.restore({ version: 1 }, { transactions: rewindTransactions(0n) });
    expect((await table.snapshotAt({ version })).transactions).toEqual(
      new Map([
        ['p0', 1n],
        ['p1', 0n],
      ]),
    );
  });

  test('is refused when VACUUM has taken a file, and the table stays', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    const missing = [...(await table.snapshot()).files.keys()];
    await table.replaceWhere([{}], rowsOfDay('2026-01-01', 1, 2));
    await store.remove(missing);
    await expect(table.restore({ version: 1 })).rejects.toMatchObject({
      code: 'delta-file-missing',
      details: { missing },
    });
    expect(await idsOf(db, table)).toEqual([1]);
  });
});

test('detail sums up the table', async () => {
  const table = await createTable(
    db.memoryStore(),
    { ...events, name: 'events', configuration: { owner: 'web' } },
    db,
  );
  await table.append(rowsOfDay('2026-01-01', 0, 5));
  await table.replaceWhere([{}], rowsOfDay('2026-01-02', 0, 3));
  expect(await table.detail()).toMatchObject({
    name: 'events',
    version: 2,
    numFiles: 1,
    numRecords: 3,
    tombstones: 1,
    partitionColumns: ['day'],
    properties: { owner: 'web' },
    minReaderVersion: 1,
    minWriterVersion: 2,
  });
});

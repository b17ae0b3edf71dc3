import { column, createTable, openTable, scanSql, structOf } from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import { events, rowsOfDay, useDuckDb } from './fixtures.ts';

const db = useDuckDb();

describe('append', () => {
  test('rows and transactions are in the next snapshot of any handle', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    const committed = await table.append(
      `${rowsOfDay('2026-01-01', 0, 2)} UNION ALL ${rowsOfDay('2026-01-02', 2, 3)}`,
      {
        transactions: [{ appId: 'ingest-0', version: 2n ** 60n }],
        userMetadata: 'batch 7',
      },
    );
    const snapshot = await (await openTable(store, db)).snapshot();

    expect(committed.version).toBe(1);
    expect(snapshot.transactions).toEqual(new Map([['ingest-0', 2n ** 60n]]));
    expect(snapshot.transactionTimes.get('ingest-0')).toBe(committed.timestamp);
    expect(await db.rowsOf(store, snapshot)).toEqual([
      ['0', 'text 0', '2026-01-01'],
      ['1', 'text 1', '2026-01-01'],
      ['2', 'text 2', '2026-01-02'],
    ]);
    expect((await table.history(1))[0]).toMatchObject({
      operation: 'WRITE',
      operationMetrics: { numFiles: '2', numOutputRows: '3' },
      userMetadata: 'batch 7',
    });
  });

  test('a select without rows commits its transactions and no file', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 0), { transactions: [{ appId: 'a', version: 5n }] });
    const unpartitioned = await createTable(db.memoryStore(), { schema: structOf(column('id', 'long')) }, db);
    await unpartitioned.append('SELECT 1::BIGINT AS id WHERE false');
    const snapshot = await table.snapshot();
    expect([snapshot.files.size, snapshot.transactions.get('a')]).toEqual([0, 5n]);
    expect((await unpartitioned.snapshot()).files.size).toBe(0);
    expect(await db.rowsOf(store, snapshot)).toEqual([]);
  });

  test('a scan says how many rows there are, which DuckDB would guess by the first file', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    await table.append(rowsOfDay('2026-01-01', 1, 20_000));
    const plan = await db.query(`EXPLAIN SELECT * FROM (${scanSql(store, await table.snapshot())})`);
    expect(String(plan)).toContain('~20,000 rows');
  });

  test('columns that the select leaves out are null; names match regardless of case; narrower types widen', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append('SELECT 7::SMALLINT AS ID');
    expect(await db.rowsOf(store, await table.snapshot())).toEqual([['7', null, null]]);
  });

  test.each([
    ["SELECT 1::BIGINT AS id, 'x' AS other", 'other'],
    ["SELECT 'one' AS id", 'id is VARCHAR'],
    ['SELECT sum(i) AS id FROM range(3) r(i)', 'id is HUGEINT'],
    ["SELECT 1::BIGINT AS id, TIMESTAMP '2026-01-01' AS day", 'day is TIMESTAMP'],
  ])('%s does not fit and leaves nothing behind', async (select, named) => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await expect(table.append(select)).rejects.toMatchObject({
      code: 'delta-schema-mismatch',
      message: expect.stringContaining(named) as string,
    });
    expect((await table.snapshot()).version).toBe(0);
  });

  test('a null in a column that is declared not nullable is refused', async () => {
    const required = { ...column('id', 'long'), nullable: false };
    const table = await createTable(
      db.memoryStore(),
      { schema: structOf(required, column('text', 'string')) },
      db,
    );
    await table.append("SELECT 1::BIGINT AS id, 'x' AS text");
    await expect(table.append("SELECT NULL::BIGINT AS id, 'y' AS text")).rejects.toMatchObject({
      code: 'delta-null-in-required-column',
      details: { column: 'id' },
    });
  });

  test('null, the empty string and awkward texts are partition values; the empty string becomes null', async () => {
    const store = db.memoryStore();
    const definition = {
      schema: structOf(column('id', 'long'), column('p', 'string')),
      partitionColumns: ['p'],
    };
    const table = await createTable(store, definition, db);
    const texts = [
      'NULL',
      '__HIVE_DEFAULT_PARTITION__',
      'a/b=c',
      '%',
      '%41',
      ' ',
      "it's",
      '日本',
      '..',
      'ü+1',
      'x'.repeat(60),
    ];
    const values = [
      "(0, '')",
      '(1, NULL)',
      ...texts.map((text, index) => `(${index + 2}, '${text.replaceAll("'", "''")}')`),
    ];
    await table.append(`SELECT * FROM (VALUES ${values.join(', ')}) v(id, p)`);
    const snapshot = await table.snapshot();
    expect(await db.query(`SELECT p FROM (${scanSql(store, snapshot)}) ORDER BY id`)).toEqual([
      [null],
      [null],
      ...texts.map((text) => [text]),
    ]);
    expect(new Set([...snapshot.files.values()].map((file) => file.partitionValues.p))).toEqual(
      new Set([null, ...texts]),
    );
  });

  test.each(['long', 'double', 'boolean', 'timestamp', 'date', 'decimal(9,3)'] as const)(
    'a %s partitions',
    async (type) => {
      const store = db.memoryStore();
      const values = {
        long: ['-9223372036854775808', '0', '9223372036854775807'],
        double: ['-1.5', '1e+300', '0.1'],
        boolean: ['true', 'false'],
        timestamp: [
          "TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'",
          "TIMESTAMPTZ '2026-01-01 00:00:00.000001+05'",
        ],
        date: ["DATE '0001-01-01'", "DATE '9999-12-31'"],
        'decimal(9,3)': ['-0.001', '123456.789'],
      }[type];
      const definition = {
        schema: structOf(column('id', 'long'), column('p', type)),
        partitionColumns: ['p'],
      };
      const table = await createTable(store, definition, db);
      const select = `SELECT row_number() OVER () AS id, p FROM (${values.map((value) => `SELECT (${value})::${duckdbName[type]} AS p`).join(' UNION ALL ')})`;
      await table.append(select);
      const before = await db.query(`SELECT p FROM (${select}) ORDER BY p`);
      expect(await db.query(`SELECT p FROM (${scanSql(store, await table.snapshot())}) ORDER BY p`)).toEqual(
        before,
      );
    },
  );
});

const duckdbName = {
  long: 'BIGINT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
  'decimal(9,3)': 'DECIMAL(9,3)',
};

describe('replaceWhere', () => {
  test('replaces the rows of its partitions and no others', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(`${rowsOfDay('2026-01-01', 0, 2)} UNION ALL ${rowsOfDay('2026-01-02', 2, 4)}`);
    await table.replaceWhere([{ day: '2026-01-02' }], rowsOfDay('2026-01-02', 9, 10));
    expect(await db.rowsOf(store, await table.snapshot())).toEqual([
      ['0', 'text 0', '2026-01-01'],
      ['1', 'text 1', '2026-01-01'],
      ['9', 'text 9', '2026-01-02'],
    ]);
    await table.replaceWhere([{}], rowsOfDay('2026-01-03', 5, 6));
    expect(await db.rowsOf(store, await table.snapshot())).toEqual([['5', 'text 5', '2026-01-03']]);
  });

  test('rows outside of the named partitions, or partitions that the table has not, are refused', async () => {
    const table = await createTable(db.memoryStore(), events, db);
    await expect(
      table.replaceWhere([{ day: '2026-01-02' }], rowsOfDay('2026-01-03', 0, 1)),
    ).rejects.toMatchObject({ code: 'delta-invalid-argument' });
    await expect(table.replaceWhere([{ id: '1' }], rowsOfDay('2026-01-03', 0, 1))).rejects.toMatchObject({
      code: 'delta-invalid-argument',
    });
    expect((await table.snapshot()).version).toBe(0);
  });

  test('delta.appendOnly forbids it, deletion and RESTORE, and allows OPTIMIZE', async () => {
    const table = await createTable(
      db.memoryStore(),
      { ...events, configuration: { 'delta.appendOnly': 'true' } },
      db,
    );
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    await table.append(rowsOfDay('2026-01-01', 1, 2));
    for (const forbidden of [
      () => table.replaceWhere([{}], rowsOfDay('2026-01-01', 0, 1)),
      () => table.deletePartitions([{}]),
      () => table.restore({ version: 1 }),
    ]) {
      await expect(forbidden()).rejects.toMatchObject({ code: 'delta-append-only' });
    }
    expect((await table.optimize()).filesAdded).toBe(1);
  });
});

describe('schema evolution', () => {
  test('older files read as null in added columns, before and after OPTIMIZE', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    await table.addColumns([column('score', 'double'), column('more', structOf(column('x', 'long')))]);
    await table.append(
      `SELECT *, 0.5::DOUBLE AS score, {x: 3::BIGINT} AS more FROM (${rowsOfDay('2026-01-01', 1, 2)})`,
    );
    const rows = [
      ['0', 'text 0', '2026-01-01', null, null],
      ['1', 'text 1', '2026-01-01', 0.5, { x: '3' }],
    ];
    expect(await db.rowsOf(store, await table.snapshot())).toEqual(rows);
    await table.optimize();
    expect(await db.rowsOf(store, await table.snapshot())).toEqual(rows);
    expect((await table.snapshot()).files.size).toBe(1);
  });

  test.each([
    [[column('ID', 'string')]],
    [[{ ...column('new', 'long'), nullable: false }]],
    [[column('a b', 'long')]],
    [[column('local', 'timestamp_ntz')]],
  ])('%j is refused', async (columns) => {
    const table = await createTable(db.memoryStore(), events, db);
    await expect(table.addColumns(columns)).rejects.toMatchObject({ code: 'delta-unsupported-schema' });
  });

  test('a property that we would not honour is refused, an unknown prefix is free', async () => {
    const table = await createTable(db.memoryStore(), events, db);
    await expect(table.setProperties({ 'delta.enableChangeDataFeed': 'true' })).rejects.toMatchObject({
      code: 'delta-invalid-argument',
    });
    await expect(table.setProperties({ 'delta.checkpointInterval': '0' })).rejects.toMatchObject({
      code: 'delta-invalid-argument',
    });
    await table.setProperties({ 'delta.checkpointInterval': '3', owner: 'web' });
    await table.setProperties({ owner: null });
    expect((await table.snapshot()).metadata.configuration).toEqual({ 'delta.checkpointInterval': '3' });
  });
});

test('create refuses a place that has a table, also one whose version 0 is cleaned up', async () => {
  const store = db.memoryStore();
  const table = await createTable(store, events, db);
  await expect(createTable(store, events, db)).rejects.toMatchObject({ code: 'delta-table-exists' });
  await table.checkpoint();
  await store.remove(['_delta_log/00000000000000000000.json']);
  await expect(createTable(store, events, db)).rejects.toMatchObject({ code: 'delta-table-exists' });
});

test('opening nothing says that there is no table', async () => {
  await expect(openTable(db.memoryStore(), db)).rejects.toMatchObject({ code: 'delta-table-not-found' });
});

import { DuckDBInstance } from '@duckdb/node-api';
import { memoryStore, scanSql, column, createTable, openTable, structOf } from '@clicklake/delta-lake';
import { afterAll, beforeAll, expect, test } from 'vitest';

let duckdb: DuckDBInstance;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(':memory:');
});
afterAll(() => duckdb.closeSync());

test('rows and transactions of an append are in the next snapshot of any handle', async () => {
  const store = memoryStore();
  const table = await createTable(
    store,
    {
      schema: structOf(column('id', 'long'), column('event_date', 'date')),
      partitionColumns: ['event_date'],
    },
    { duckdb },
  );
  const committed = await table.append(
    "SELECT i AS id, DATE '2026-01-01' + (i % 2)::INTEGER AS event_date FROM range(4) t(i)",
    {
      transactions: [{ appId: 'ingest-0', version: 2n ** 60n }],
    },
  );
  const snapshot = await (await openTable(store, { duckdb })).snapshot();

  expect(committed.version).toBe(1);
  expect(snapshot.transactions).toEqual(new Map([['ingest-0', 2n ** 60n]]));
  const connection = await duckdb.connect();
  const rows = await connection.runAndReadAll(
    `SELECT id, event_date::VARCHAR FROM (${scanSql(store, snapshot)}) ORDER BY id`,
  );
  expect(rows.getRowsJson()).toEqual([
    ['0', '2026-01-01'],
    ['1', '2026-01-02'],
    ['2', '2026-01-01'],
    ['3', '2026-01-02'],
  ]);
  connection.closeSync();
  await table.close();
  store.close();
});

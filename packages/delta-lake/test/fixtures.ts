import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import {
  column,
  type DeltaTable,
  type MemoryStore,
  memoryStore,
  type ObjectStore,
  scanSql,
  type Snapshot,
  structOf,
} from '@clicklake/delta-lake';
import { afterAll, beforeAll } from 'vitest';

export interface DuckDbFixture {
  readonly duckdb: DuckDBInstance;
  readonly connection: DuckDBConnection;
  /** A new memory store, emptied after the tests of the file. */
  memoryStore(): MemoryStore;
  /** Rows of a SELECT, values as JSON. */
  query(select: string): Promise<unknown[][]>;
  /** Rows of a table's version, ordered by all columns. */
  rowsOf(store: ObjectStore, snapshot: Snapshot): Promise<unknown[][]>;
}

/** One DuckDB for a test file. Read its fields inside of tests only. */
export function useDuckDb(): DuckDbFixture {
  let duckdb: DuckDBInstance | undefined;
  let connection: DuckDBConnection | undefined;
  const stores: MemoryStore[] = [];
  beforeAll(async () => {
    duckdb = await DuckDBInstance.create(':memory:');
    connection = await duckdb.connect();
    await connection.run("SET TimeZone = 'UTC'");
  });
  afterAll(() => {
    for (const store of stores) store.close();
    connection?.closeSync();
    duckdb?.closeSync();
  });
  const required = <Value>(value: Value | undefined): Value => {
    if (value === undefined) throw new Error('DuckDB is open only while tests run.');
    return value;
  };
  const query = async (select: string): Promise<unknown[][]> =>
    (await required(connection).runAndReadAll(select)).getRowsJson();
  return {
    get duckdb() {
      return required(duckdb);
    },
    get connection() {
      return required(connection);
    },
    memoryStore() {
      const store = memoryStore();
      stores.push(store);
      return store;
    },
    query,
    rowsOf: (store, snapshot) => query(`SELECT * FROM (${scanSql(store, snapshot)}) ORDER BY ALL`),
  };
}

/** A small partitioned table's definition: (id, text) by day. */
export const events = {
  schema: structOf(column('id', 'long'), column('text', 'string'), column('day', 'date')),
  partitionColumns: ['day'],
};

/** Rows `from` to `to` (exclusive) of one day. */
export function rowsOfDay(day: string, from: number, to: number): string {
  return `SELECT i AS id, 'text ' || i AS text, DATE '${day}' AS day FROM range(${from}, ${to}) r(i)`;
}

export async function idsOf(fixture: DuckDbFixture, table: DeltaTable): Promise<number[]> {
  const snapshot = await table.snapshot();
  const rows = await fixture.query(`SELECT id FROM (${scanSql(table.store, snapshot)}) ORDER BY id`);
  return rows.map(([id]) => Number(id));
}

export async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'delta-lake-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The store of a writer whom others outrun: runs a task just before its next commit. */
export function outrunStore(
  store: ObjectStore,
): ObjectStore & { beforeNextCommit: (() => Promise<unknown>) | undefined } {
  return {
    ...store,
    beforeNextCommit: undefined,
    async putIfAbsent(key, bytes) {
      const task = this.beforeNextCommit;
      this.beforeNextCommit = undefined;
      await task?.();
      return await store.putIfAbsent(key, bytes);
    },
  };
}

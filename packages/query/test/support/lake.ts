import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { DuckDBInstance, type DuckDBConnection, type DuckDBDataChunk } from '@duckdb/node-api';

import type { Pin, QueryTable } from '../../src/index.ts';

/** Columns of every kind that the contract has. */
export const columns = [
  { name: 'event_id', type: 'VARCHAR' },
  { name: 'log_partition', type: 'INTEGER' },
  { name: 'log_offset', type: 'BIGINT' },
  { name: 'is_bot', type: 'BOOLEAN' },
  { name: 'received_at', type: 'TIMESTAMPTZ' },
  { name: 'event_date', type: 'DATE' },
  { name: 'click', type: 'STRUCT(x BIGINT, y BIGINT)' },
];

/** A directory with committed Parquet files, and a DuckDB instance of its own that writes them. */
export interface TestLake {
  readonly directory: string;
  readonly filesDirectory: string;
  /** The SELECT list of event number `i` (of a table or range `r(i)`), in the order of `columns`. */
  readonly eventSql: string;
  readonly source: DuckDBConnection;
  /** Rows `from` to `to - 1`, as ingest would hand them over. */
  chunks(from: number, to: number): Promise<readonly DuckDBDataChunk[]>;
  /** Writes rows `from` to `to - 1` into a Parquet file and gives its path. */
  writeFile(from: number, to: number): Promise<string>;
  close(): Promise<void>;
}

export async function openTestLake(): Promise<TestLake> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'clicklake-query-'));
  const filesDirectory = path.join(directory, 'lake', 'silver');
  await mkdir(filesDirectory, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const source = await instance.connect();
  await source.run("SET TimeZone = 'UTC'");
  const eventSql = `
    CASE WHEN i % 2 = 0 THEN 'e' || i ELSE 'an event id that is longer than twelve bytes ' || i END AS event_id,
    (i % 3)::INTEGER AS log_partition,
    (i // 3)::BIGINT AS log_offset,
    CASE WHEN i % 5 = 0 THEN NULL ELSE i % 7 = 0 END AS is_bot,
    TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_seconds(i) AS received_at,
    CASE WHEN i % 4 = 0 THEN NULL ELSE DATE '2026-01-01' END AS event_date,
    CASE WHEN i % 6 = 0 THEN NULL ELSE {'x': i::BIGINT, 'y': CASE WHEN i % 2 = 0 THEN NULL ELSE -i END::BIGINT} END AS click`;
  let files = 0;
  return {
    directory,
    filesDirectory,
    eventSql,
    source,
    async chunks(from, to) {
      const result = await source.run(`SELECT ${eventSql} FROM range(${from}, ${to}) r(i)`);
      return result.fetchAllChunks();
    },
    async writeFile(from, to) {
      const file = path.join(filesDirectory, `${files}.parquet`);
      files += 1;
      await source.run(`COPY (SELECT ${eventSql} FROM range(${from}, ${to}) r(i)) TO '${file}'`);
      return file;
    },
    async close() {
      source.closeSync();
      instance.closeSync();
      await rm(directory, { recursive: true });
    },
  };
}

/** A SELECT over committed files; over none, an empty relation with the same columns. */
export function relationOver(files: readonly string[]): string {
  if (files.length > 0) return `SELECT * FROM read_parquet([${files.map((file) => `'${file}'`).join(', ')}])`;
  const nothing = columns.map(({ name, type }) => `NULL::${type} AS ${name}`).join(', ');
  return `SELECT ${nothing} WHERE false`;
}

/** A pin of tables that no commit changes. */
export function fixedPin(...tables: QueryTable[]): () => Promise<Pin> {
  return () =>
    Promise.resolve({ tables, label: { silverVersion: 1, tailEpoch: 0 }, release: () => undefined });
}

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTickTable } from '../src/ingest/tick-table.ts';
import { notAnEvent } from '../src/ingest/unreadable-rows.ts';
import { openLakeDuckdb, utcConnection } from '../src/lake/duckdb.ts';
import { collected } from './harness/records.ts';

let directory: string;
let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-tick-'));
  duckdb = await openLakeDuckdb(join(directory, 'scratch'), 256);
  connection = await utcConnection(duckdb);
});
afterEach(async () => {
  connection.closeSync();
  duckdb.closeSync();
  await rm(directory, { recursive: true });
});

const line = (id: string): string => String(collected(id, 'u', 1_700_000_000_000).value);

async function tableOf(
  ...files: readonly (readonly string[])[]
): Promise<{ whole: boolean; rows: unknown[][] }> {
  const paths = await Promise.all(
    files.map(async (lines, index) => {
      const path = join(directory, `it's ${index}.ndjson`);
      await writeFile(path, lines.map((text) => `${text}\n`).join(''));
      return path;
    }),
  );
  const whole = await createTickTable(connection, 't', { files: paths, pickedRows: 0, longestLine: 100_000 });
  const found = await connection.runAndReadAll(`SELECT rowid, event_id, ${notAnEvent} FROM t ORDER BY rowid`);
  return { whole, rows: found.getRows() };
}

it('row n is line n over all files', async () => {
  const ids = Array.from({ length: 5000 }, (_, index) => `id-${index}`);
  const { whole, rows } = await tableOf(ids.slice(0, 3000).map(line), ids.slice(3000).map(line));
  expect(whole).toBe(true);
  expect(rows.map(([row, id]) => [row, id])).toEqual(ids.map((id, index) => [BigInt(index), id]));
});

it('a line that the reader refuses is a row of nulls in its place, and no other is touched', async () => {
  const { whole, rows } = await tableOf(
    [line('a'), 'no json', line('b')],
    ['{"event_id":"half"}', line('c')],
  );
  expect(whole).toBe(false);
  expect(rows).toEqual([
    [0n, 'a', false],
    [1n, null, true],
    [2n, 'b', false],
    [3n, 'half', true],
    [4n, 'c', false],
  ]);
});

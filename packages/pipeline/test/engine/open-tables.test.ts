import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { column, createTable, localStore, openTable, structOf, type DeltaTable } from '@clicklake/delta-lake';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepTablesOpen, type OpenTables } from '../../src/engine/open-tables.ts';

let root: string;
let directory: string;
let duckdb: DuckDBInstance;
let kept: OpenTables;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'clicklake-open-'));
  directory = join(root, 'table');
  duckdb = await DuckDBInstance.create(':memory:');
  kept = keepTablesOpen((place) => openTable(localStore(place), { duckdb }));
});
afterEach(async () => {
  await kept.close();
  duckdb.closeSync();
  await rm(root, { recursive: true });
});

async function make(numbers: readonly number[]): Promise<DeltaTable> {
  const definition = { name: 't', schema: structOf(column('n', 'integer')) };
  const table = await createTable(localStore(directory), definition, { duckdb });
  for (const n of numbers) await table.append(`SELECT ${n} AS n`);
  return table;
}

async function idOf(table: DeltaTable | undefined): Promise<string | undefined> {
  return (await table?.snapshot())?.metadata.id;
}

describe('tables that stay open', () => {
  it('are not there before they are made, and then stay the same handle through commits of others', async () => {
    expect(await kept.open(directory)).toBeUndefined();
    const made = await make([1]);
    const first = await kept.open(directory);
    await made.append('SELECT 2 AS n');
    const second = await kept.open(directory);
    expect(second).toBe(first);
    expect((await second?.snapshot())?.version).toBe(2);
    await made.close();
  });

  it('are opened again when they were deleted, or deleted and made anew with as many versions', async () => {
    const before = await make([1, 2]);
    const first = await idOf(await kept.open(directory));
    expect(first).toBe(await idOf(before));
    await before.close();
    await rm(directory, { recursive: true });
    const after = await make([3, 4]);
    const second = await idOf(await kept.open(directory));
    expect(second).toBe(await idOf(after));
    expect(second).not.toBe(first);
    await after.close();
    await rm(directory, { recursive: true });
    expect(await kept.open(directory)).toBeUndefined();
  });

  it('are opened again when the entry that the handle knows was cleaned away', async () => {
    const made = await make([1]);
    const first = await kept.open(directory);
    for (const n of [2, 3, 4]) await made.append(`SELECT ${n} AS n`);
    await made.checkpoint();
    await rm(join(directory, '_delta_log/00000000000000000001.json'));
    await rm(join(directory, '_delta_log/00000000000000000002.json'));
    const second = await kept.open(directory);
    expect(second).not.toBe(first);
    expect((await second?.snapshot())?.version).toBe(4);
    await made.close();
  });
});

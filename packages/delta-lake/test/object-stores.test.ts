import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { localStore, memoryStore } from '@clicklake/delta-lake';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectStoreConformance } from './object-store-conformance.ts';

let duckdb: DuckDBInstance;
beforeAll(async () => {
  duckdb = await DuckDBInstance.create(':memory:');
});
afterAll(() => duckdb.closeSync());

objectStoreConformance(
  'localStore',
  async () => {
    // A root with pattern characters and quotes: a user's directory may be called anything.
    const directory = await mkdtemp(join(tmpdir(), 'delta-store-'));
    const root = join(directory, "it's a [lake]*");
    return {
      store: localStore(root),
      other: localStore(root),
      dispose: () => rm(directory, { recursive: true }),
    };
  },
  () => duckdb,
);

objectStoreConformance(
  'memoryStore',
  () => {
    const store = memoryStore();
    return Promise.resolve({ store, other: store, dispose: () => Promise.resolve(store.close()) });
  },
  () => duckdb,
);

test('a local put leaves nothing but the object behind', async () => {
  const root = await mkdtemp(join(tmpdir(), 'delta-store-'));
  const store = localStore(root);
  await store.put('k', Buffer.from('1'));
  await store.putIfAbsent('k', Buffer.from('2'));
  await store.putIfAbsent('l', Buffer.from('3'));
  expect((await readdir(root)).sort()).toEqual(['k', 'l']);
  await rm(root, { recursive: true, force: true });
});

import {
  createTable,
  type DeltaTable,
  type ObjectStore,
  openTable,
  quoteLiteral,
} from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import { events, idsOf, rowsOfDay, useDuckDb } from './fixtures.ts';

const db = useDuckDb();

const key = (version: number, suffix: string): string =>
  `_delta_log/${version.toString().padStart(20, '0')}.${suffix}`;

async function tableWith(store: ObjectStore, appends: number, interval = 1000): Promise<DeltaTable> {
  const table = await createTable(
    store,
    { ...events, configuration: { 'delta.checkpointInterval': `${interval}` } },
    db,
  );
  for (let id = 0; id < appends; id += 1) {
    await table.append(rowsOfDay('2026-01-01', id, id + 1), {
      transactions: [{ appId: `app ${id % 2}`, version: BigInt(id) + 2n ** 60n }],
    });
  }
  return table;
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of store.list('_delta_log/')) keys.push(object.key);
  return keys;
}

describe('a table opened from a checkpoint', () => {
  test('is what the log says: files, tombstones, transactions beyond 2^53, metadata', async () => {
    const store = db.memoryStore();
    const table = await tableWith(store, 5);
    await table.deletePartitions([{ day: '2026-01-01' }]);
    await table.append(rowsOfDay('2026-01-02', 10, 12));
    const replayed = await (await openTable(store, db)).snapshot();
    await table.checkpoint();
    for (let version = 0; version <= replayed.version; version += 1)
      await store.remove([key(version, 'json')]);
    const loaded = await (await openTable(store, db)).snapshot();

    expect(loaded.version).toBe(replayed.version);
    expect(loaded.transactions).toEqual(
      new Map([
        ['app 0', 2n ** 60n + 4n],
        ['app 1', 2n ** 60n + 3n],
      ]),
    );
    expect(loaded.transactionTimes).toEqual(replayed.transactionTimes);
    expect(loaded.metadata).toEqual(replayed.metadata);
    expect(loaded.protocol).toEqual(replayed.protocol);
    const settled = <File extends object>(files: ReadonlyMap<string, File>): File[] =>
      [...files.values()].map((file) => ({ ...file, dataChange: false }));
    expect(settled(loaded.files)).toEqual(settled(replayed.files));
    expect(settled(loaded.tombstones)).toEqual(settled(replayed.tombstones));
    expect(loaded.tombstones.size).toBe(5);
  });

  test('goes on with the entries after it', async () => {
    const store = db.memoryStore();
    const table = await tableWith(store, 3);
    await table.checkpoint();
    await table.append(rowsOfDay('2026-01-02', 3, 4));
    await store.remove([key(0, 'json'), key(1, 'json')]);
    expect(await idsOf(db, await openTable(store, db))).toEqual([0, 1, 2, 3]);
  });
});

describe('a checkpoint is only a shortcut', () => {
  test.each<[string, (store: ObjectStore, newest: number) => Promise<void>]>([
    ['_last_checkpoint is gone', (store) => store.remove(['_delta_log/_last_checkpoint'])],
    [
      '_last_checkpoint is no JSON',
      (store) => store.put('_delta_log/_last_checkpoint', Buffer.from('{"vers')),
    ],
    [
      '_last_checkpoint names a version that is not there',
      (store) => store.put('_delta_log/_last_checkpoint', Buffer.from('{"version":999,"size":1}')),
    ],
    ['the newest checkpoint is gone', (store, newest) => store.remove([key(newest, 'checkpoint.parquet')])],
    [
      'the newest checkpoint is cut off',
      (store, newest) => store.put(key(newest, 'checkpoint.parquet'), Buffer.from('PAR1')),
    ],
    [
      'the newest checkpoint is of another kind of file',
      async (store, newest) => {
        await store.put(key(newest, 'checkpoint.parquet'), await store.get(key(newest, 'json')));
      },
    ],
  ])('%s', async (_, damage) => {
    const store = db.memoryStore();
    const table = await tableWith(store, 2);
    await table.checkpoint();
    await table.append(rowsOfDay('2026-01-02', 2, 3));
    const { version } = await table.checkpoint();
    await table.append(rowsOfDay('2026-01-02', 3, 4));
    await damage(store, version);
    const reopened = await openTable(store, db);
    expect(await idsOf(db, reopened)).toEqual([0, 1, 2, 3]);
    await reopened.append(rowsOfDay('2026-01-02', 4, 5));
    expect(await idsOf(db, table)).toEqual([0, 1, 2, 3, 4]);
  });

  test('all checkpoints broken and the beginning of the log gone: corrupt, not empty', async () => {
    const store = db.memoryStore();
    const table = await tableWith(store, 2);
    await table.checkpoint();
    await store.put(key(2, 'checkpoint.parquet'), Buffer.from('PAR1'));
    await store.remove([key(0, 'json')]);
    await expect(openTable(store, db)).rejects.toMatchObject({ code: 'delta-log-corrupt' });
  });

  test('a hole in the log is an error that names the version', async () => {
    const store = db.memoryStore();
    await tableWith(store, 4);
    await store.remove([key(2, 'json')]);
    await expect(openTable(store, db)).rejects.toMatchObject({
      code: 'delta-log-gap',
      details: { version: 2 },
    });
  });

  test('an entry that is no JSON is corrupt', async () => {
    const store = db.memoryStore();
    await tableWith(store, 1);
    await store.put(key(1, 'json'), Buffer.from('{"add":{"pa'));
    await expect(openTable(store, db)).rejects.toMatchObject({ code: 'delta-log-corrupt' });
  });
});

describe('checkpoints of others', () => {
  test('a multi-part checkpoint is read when all of its parts are there', async () => {
    const store = db.memoryStore();
    const table = await tableWith(store, 4);
    await table.checkpoint();
    const source = `read_parquet(${quoteLiteral(store.location(key(4, 'checkpoint.parquet')))})`;
    const staging = await store.createStaging();
    for (const part of [1, 2]) {
      const localPath = `${staging}/part-${part}.parquet`;
      await db.connection.run(
        `COPY (SELECT * EXCLUDE (n) FROM (SELECT *, row_number() OVER () AS n FROM ${source}) WHERE n % 2 = ${part - 1}) TO ${quoteLiteral(localPath)} (FORMAT parquet)`,
      );
      await store.adopt([{ localPath, key: key(4, `checkpoint.000000000${part}.0000000002.parquet`) }]);
    }
    await store.remove([
      key(4, 'checkpoint.parquet'),
      ...[0, 1, 2, 3].map((version) => key(version, 'json')),
    ]);
    expect(await idsOf(db, await openTable(store, db))).toEqual([0, 1, 2, 3]);
    await store.remove([key(4, 'checkpoint.0000000002.0000000002.parquet')]);
    await expect(openTable(store, db)).rejects.toMatchObject({ code: 'delta-log-corrupt' });
  });

  test('a checkpoint of the V2 kind is passed over while the log suffices, and named when it does not', async () => {
    const store = db.memoryStore();
    await tableWith(store, 2);
    await store.put(key(2, 'checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'), Buffer.from('{}'));
    expect(await idsOf(db, await openTable(store, db))).toEqual([0, 1]);
    await store.remove([key(0, 'json')]);
    await expect(openTable(store, db)).rejects.toMatchObject({
      code: 'delta-unsupported-reader',
      message: expect.stringContaining('v2Checkpoint') as string,
    });
  });

  test('statistics that are kept as columns only are read too', async () => {
    const store = db.memoryStore();
    const table = await tableWith(store, 1);
    await table.checkpoint();
    const own = store.location(key(1, 'checkpoint.parquet'));
    const staging = await store.createStaging();
    await db.connection.run(
      `COPY (SELECT * REPLACE (CASE WHEN add IS NULL THEN NULL ELSE struct_pack(path := add.path, "partitionValues" := add."partitionValues", size := add.size, "modificationTime" := add."modificationTime", "dataChange" := false, stats_parsed := {'numRecords': 1, 'minValues': {'id': 0}}) END AS add) FROM read_parquet(${quoteLiteral(own)})) TO ${quoteLiteral(`${staging}/c.parquet`)} (FORMAT parquet)`,
    );
    await store.adopt([{ localPath: `${staging}/c.parquet`, key: key(1, 'checkpoint.parquet') }]);
    await store.remove([key(0, 'json')]);
    const [file] = (await (await openTable(store, db)).snapshot()).files.values();
    expect(file?.stats).toBe('{"numRecords":1,"minValues":{"id":0}}');
  });
});

describe('checkpoints come by themselves', () => {
  test('every delta.checkpointInterval commits, and the log stays readable from each', async () => {
    const store = db.memoryStore();
    await tableWith(store, 10, 4);
    const checkpoints = (await keysOf(store)).filter((name) => name.endsWith('.checkpoint.parquet'));
    expect(checkpoints).toEqual([key(4, 'checkpoint.parquet'), key(8, 'checkpoint.parquet')]);
    expect(JSON.parse((await store.get('_delta_log/_last_checkpoint')).toString())).toMatchObject({
      version: 8,
      size: 12,
    });
  });

  test('one that failed is made up for by the next commit; the commit itself stands', async () => {
    const store = db.memoryStore();
    let failing = true;
    const refusing: ObjectStore = {
      ...store,
      adopt: (files) =>
        failing && files.some((file) => file.key.includes('checkpoint'))
          ? Promise.reject(new Error('disk full'))
          : store.adopt(files),
    };
    const table = await createTable(
      refusing,
      { ...events, configuration: { 'delta.checkpointInterval': '2' } },
      db,
    );
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    const second = await table.append(rowsOfDay('2026-01-01', 1, 2));
    expect(second).toMatchObject({ version: 2, maintenanceError: { message: 'disk full' } });
    failing = false;
    expect(await table.append(rowsOfDay('2026-01-01', 2, 3))).toMatchObject({
      version: 3,
      checkpoint: { version: 3 },
    });
    expect(await idsOf(db, await openTable(store, db))).toEqual([0, 1, 2]);
  });

  test('expired tombstones leave with them', async () => {
    const store = db.memoryStore();
    let now = Date.now();
    const table = await createTable(store, events, { ...db, duckdb: db.duckdb, clock: () => now });
    await table.append(rowsOfDay('2026-01-01', 0, 1));
    await table.deletePartitions([{}]);
    await table.checkpoint();
    expect((await (await openTable(store, db)).snapshot()).tombstones.size).toBe(1);
    now += 8 * 86_400_000;
    await table.append(rowsOfDay('2026-01-01', 1, 2));
    await table.checkpoint();
    expect((await (await openTable(store, db)).snapshot()).tombstones.size).toBe(0);
    expect((await table.snapshot()).tombstones.size).toBe(0);
  });
});

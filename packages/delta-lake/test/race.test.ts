import {
  createTable,
  type DeltaTable,
  isDeltaError,
  localStore,
  type ObjectStore,
  openTable,
  scanSql,
} from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import { events, rowsOfDay, useDuckDb, withDirectory } from './fixtures.ts';

const db = useDuckDb();
const writers = 5;
const batches = 6;

/** Many writers at once, each with a handle of its own, as separate processes have. */
async function race(open: () => ObjectStore): Promise<void> {
  const table = await createTable(
    open(),
    { ...events, configuration: { 'delta.checkpointInterval': '7' } },
    db,
  );
  const handles = await Promise.all(Array.from({ length: writers }, () => openTable(open(), db)));
  await Promise.all([
    ...handles.map((handle, writer) => writeBatches(handle, writer)),
    compactMeanwhile(await openTable(open(), db)),
  ]);

  const snapshot = await table.snapshot();
  const counted = await db.query(
    `SELECT count(*), count(DISTINCT id) FROM (${scanSql(table.store, snapshot)})`,
  );
  expect(counted).toEqual([[String(writers * batches), String(writers * batches)]]);
  expect(snapshot.transactions).toEqual(
    new Map(handles.map((_, writer) => [`writer ${writer}`, BigInt(batches)])),
  );
  const reopened = await (await openTable(open(), db)).snapshot();
  expect(new Set(reopened.files.keys())).toEqual(new Set(snapshot.files.keys()));
  expect(reopened.version).toBe(snapshot.version);
  const history = await table.history(1000);
  expect(history.map((entry) => entry.version)).toEqual(
    Array.from({ length: snapshot.version + 1 }, (_, index) => snapshot.version - index),
  );
}

async function writeBatches(table: DeltaTable, writer: number): Promise<void> {
  for (let batch = 0; batch < batches; batch += 1) {
    const id = writer * batches + batch;
    await table.append(rowsOfDay(`2026-01-0${(id % 3) + 1}`, id, id + 1), {
      transactions: [{ appId: `writer ${writer}`, version: BigInt(batch + 1) }],
    });
  }
}

async function compactMeanwhile(table: DeltaTable): Promise<void> {
  for (let round = 0; round < 4; round += 1) await table.optimize();
}

describe('concurrent writers lose no row and commit none twice', () => {
  test('in a directory', () => withDirectory((directory) => race(() => localStore(directory))));

  test('in memory', () => {
    const store = db.memoryStore();
    return race(() => store);
  });

  test('of one appId only one gets through with each version', async () => {
    const store = db.memoryStore();
    const table = await createTable(store, events, db);
    const handles = await Promise.all(Array.from({ length: 6 }, () => openTable(store, db)));
    const attempts = await Promise.all(
      handles.map((handle) =>
        handle
          .append(rowsOfDay('2026-01-01', 0, 1), {
            transactions: [{ appId: 'one', version: 1n }],
            expectedTransactions: new Map([['one', undefined]]),
          })
          .then(
            () => 'committed',
            (error: unknown) =>
              isDeltaError(error, 'delta-transaction-fenced') ? 'fenced' : Promise.reject(error as Error),
          ),
      ),
    );
    expect(attempts.filter((outcome) => outcome === 'committed')).toHaveLength(1);
    expect((await table.snapshot()).version).toBe(1);
  });

  test('through one handle, in the order of the calls', async () => {
    const table = await createTable(db.memoryStore(), events, db);
    const staged = await Promise.all(
      Array.from({ length: 10 }, (_, id) => table.stage(rowsOfDay('2026-01-01', id, id + 1))),
    );
    const committed = await Promise.all(staged.map((adds) => table.commit({ operation: 'WRITE', adds })));
    expect(committed.map((result) => result.version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

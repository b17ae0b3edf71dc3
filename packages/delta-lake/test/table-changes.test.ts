import { column, createTable, openTable, structOf, type DeltaTable } from '@clicklake/delta-lake';
import { beforeEach, describe, expect, test } from 'vitest';
import { events, rowsOfDay, useDuckDb } from './fixtures.ts';

const db = useDuckDb();
const [first, second, third] = ['2026-01-01', '2026-01-02', '2026-01-03'] as const;

let table: DeltaTable;
/** After the creation: version 3, one file on the first day, two on the second. */
beforeEach(async () => {
  table = await createTable(db.memoryStore(), events, db);
  await table.append(rowsOfDay(first, 0, 2));
  await table.append(rowsOfDay(second, 2, 4));
  await table.append(rowsOfDay(second, 4, 6));
});

async function changesSince(from: number): Promise<unknown> {
  const changes = await table.changes(from, (await table.snapshot()).version);
  return changes && [changes.partitions.map(({ day }) => day).sort(), changes.removed];
}

describe('changes between two versions', () => {
  test('appended rows touch their partitions, each named once', async () => {
    expect(await changesSince(0)).toEqual([[first, second], false]);
    expect(await changesSince(1)).toEqual([[second], false]);
    expect(await changesSince(3)).toEqual([[], false]);
  });

  test('the end is part of the range, the beginning is not', async () => {
    expect(await table.changes(0, 1)).toMatchObject({ partitions: [{ day: first }], removed: false });
    expect(await table.changes(1, 2)).toMatchObject({ partitions: [{ day: second }], removed: false });
  });

  test('OPTIMIZE moves rows and changes none', async () => {
    const { version } = await table.snapshot();
    await table.optimize();
    expect((await table.snapshot()).version).toBe(version + 1);
    expect(await changesSince(version)).toEqual([[], false]);
  });

  test('a replaced, an emptied and a restored partition are removals', async () => {
    await table.replaceWhere([{ day: first }], rowsOfDay(first, 10, 11));
    expect(await changesSince(3)).toEqual([[first], true]);
    await table.deletePartitions([{ day: second }]);
    expect(await changesSince(4)).toEqual([[second], true]);
    await table.restore({ version: 1 });
    expect(await changesSince(5)).toEqual([[first], true]);
  });

  test('rows that a restore brings back are no appended ones', async () => {
    await table.restore({ version: 1 });
    await table.restore({ version: 3 });
    expect(await changesSince(4)).toEqual([[second], true]);
    await table.append(rowsOfDay(third, 20, 21));
    expect(await changesSince(4)).toEqual([[second, third], true]);
    expect(await changesSince(5)).toEqual([[third], false]);
  });

  test('a table without partitions has one, which has no values', async () => {
    const plain = await createTable(db.memoryStore(), { schema: structOf(column('id', 'long')) }, db);
    await plain.append('SELECT 1::BIGINT AS id');
    expect(await plain.changes(0, 1)).toMatchObject({ partitions: [{}], removed: false });
  });

  test('unknown once an entry is gone, or before it is there', async () => {
    const store = db.memoryStore();
    let now = Date.UTC(2026, 0, 1);
    const clock = () => now;
    const aging = await createTable(store, events, { ...db, duckdb: db.duckdb, clock });
    await aging.append(rowsOfDay(first, 0, 1));
    await aging.append(rowsOfDay(second, 1, 2));
    now += 400 * 86_400_000;
    await aging.checkpoint();
    await aging.append(rowsOfDay(third, 2, 3));
    await aging.cleanUpLog();
    const read = await openTable(store, db);
    expect(await read.changes(0, 3)).toBeUndefined();
    expect(await read.changes(2, 3)).toMatchObject({ partitions: [{ day: third }], removed: false });
    expect(await read.changes(2, 4)).toBeUndefined();
  });
});

describe('a table that is replaced under a new schema', () => {
  const schema = structOf(column('id', 'long'), column('price', 'double'), column('day', 'date'));

  test('has the new columns and rows in one version', async () => {
    const { version } = await table.snapshot();
    await table.replaceWhere([{}], `SELECT 7::BIGINT AS id, 1.5::DOUBLE AS price, DATE '${third}' AS day`, {
      schema,
    });
    const snapshot = await (await openTable(table.store, db)).snapshot();
    expect(snapshot.version).toBe(version + 1);
    expect(snapshot.schema.fields.map(({ name }) => name)).toEqual(['id', 'price', 'day']);
    expect(await db.rowsOf(table.store, snapshot)).toEqual([['7', 1.5, third]]);
  });

  test('is refused where rows under the old one would stay, or a partition column would go', async () => {
    const invalid = { code: 'delta-invalid-argument' };
    await expect(
      table.replaceWhere([{ day: first }], rowsOfDay(first, 0, 1), { schema }),
    ).rejects.toMatchObject(invalid);
    const without = structOf(column('id', 'long'));
    await expect(table.replaceWhere([{}], 'SELECT 1::BIGINT AS id', { schema: without })).rejects.toThrow(
      /day/,
    );
    expect((await table.snapshot()).version).toBe(3);
  });

  test('several SELECTs are one commit; rows of one that reach beyond the partitions leave everything as it was', async () => {
    await table.replaceWhere([{ day: first }], [rowsOfDay(first, 30, 31), rowsOfDay(first, 31, 32)]);
    const replaced = await table.snapshot();
    expect(replaced.version).toBe(4);
    await expect(
      table.replaceWhere([{ day: first }], [rowsOfDay(first, 40, 41), rowsOfDay(second, 41, 42)]),
    ).rejects.toMatchObject({ code: 'delta-invalid-argument' });
    expect((await table.snapshot()).version).toBe(4);
    const rows = await db.rowsOf(table.store, replaced);
    expect(rows.filter(([, , day]) => day === first).map(([id]) => id)).toEqual(['30', '31']);
  });

  test('how many rows were added, and what the commits that changed rows say of themselves', async () => {
    const noted = await createTable(db.memoryStore(), { schema: structOf(column('id', 'long')) }, db);
    await noted.append('SELECT unnest([1, 2])::BIGINT AS id', { userMetadata: 'first' });
    await noted.append('SELECT 3::BIGINT AS id');
    await noted.optimize();
    expect(await noted.changes(0, 3)).toMatchObject({ addedRows: 3, notes: ['first', null] });
    expect(await noted.changes(2, 3)).toMatchObject({ addedRows: 0, notes: [] });
  });
});

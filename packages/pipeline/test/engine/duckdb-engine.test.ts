import { rename } from 'node:fs/promises';
import { writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDuckdbHarness } from './duckdb-harness.ts';
import { describeEngine } from './engine-conformance.ts';
import { sourceName } from './engine-harness.ts';

describeEngine('DuckDB', () => createDuckdbHarness());

test('a session that could not be opened does not stand in the way of the next', async () => {
  const harness = await createDuckdbHarness();
  const { engine, directory } = harness;
  const entry = join(directory, 'source', '_delta_log', `${'0'.repeat(20)}.json`);
  const whole = readFileSync(entry);
  writeFileSync(entry, 'no log entry\n');
  await expect(engine.openSession([])).rejects.toMatchObject({ code: 'delta-log-corrupt' });
  writeFileSync(entry, whole);
  const session = await engine.openSession([]);
  expect(session.table('source', sourceName)?.version).toBe(0);
  await harness.dispose();
});

test('a source that is not there yet is undefined, and is seen by the next session', async () => {
  const harness = await createDuckdbHarness();
  const { engine, directory } = harness;
  const [source, away] = [join(directory, 'source'), join(directory, 'away')];
  await rename(source, away);
  const without = await engine.openSession([]);
  expect(without.table('source', sourceName)).toBeUndefined();
  expect(await without.changedDates('source', sourceName, 0)).toBeUndefined();
  await rename(away, source);
  const session = await engine.openSession([]);
  expect(session.table('source', sourceName)?.version).toBe(0);
  await harness.dispose();
});

const texts = {
  name: 'texts',
  description: '',
  columns: [
    { name: 'day', type: 'date', description: '' },
    { name: 'id', type: 'bigint', description: '' },
    { name: 'text', type: 'varchar', description: '' },
  ],
  dateColumn: 'day',
} as const;
const ofTexts = { table: 'texts', transactions: [], expected: new Map<string, bigint | undefined>() };

test('a SELECT that outgrows the memory limit spills, and its rows are whole', async () => {
  const harness = await createDuckdbHarness({ memoryLimitMb: 96 });
  const { engine } = harness;
  const session = await engine.openSession([{ ...texts, name: 'wide' }]);
  const { rows } = await session.replaceDates({
    table: 'wide',
    // About 120 MB to be sorted, in 96.
    selects: [
      `SELECT DATE '2026-01-01' AS day, id, text FROM
         (SELECT i AS id, repeat(md5(i::VARCHAR), 6) AS text FROM range(600000) r(i)) ORDER BY text`,
    ],
    dates: 'all',
    transactions: [],
    expected: new Map(),
  });
  expect(rows).toBe(600_000);
  const [found] = await session.query(
    `SELECT count(*) AS n, count(DISTINCT id) AS ids FROM ${session.relation('model', 'wide')}`,
  );
  expect(found).toEqual({ n: 600_000n, ids: 600_000n });
  await harness.dispose();
});

test('a statement that outgrows the memory and cannot spill is refused as such, and the session goes on', async () => {
  const harness = await createDuckdbHarness({ memoryLimitMb: 48 });
  const session = await harness.engine.openSession([texts]);
  const outgrowing = `SELECT DATE '2026-01-01' AS day, len(list(i)) AS id, 'all' AS text FROM range(20000000) r(i)`;
  const refused = { code: 'refresh-out-of-memory', retryable: true };
  await expect(session.query(outgrowing)).rejects.toMatchObject(refused);
  await expect(
    session.replaceDates({ ...ofTexts, selects: [outgrowing], dates: 'all' }),
  ).rejects.toMatchObject(refused);
  await session.replaceDates({
    ...ofTexts,
    selects: [`SELECT DATE '2026-01-01' AS day, 1::BIGINT AS id, 'one' AS text`],
    dates: 'all',
  });
  expect(session.table('model', 'texts')?.rowsByDate).toEqual(new Map([['2026-01-01', 1]]));
  await harness.dispose();
});

test('where a row is replaced, the files of the date without such a row stay as they are', async () => {
  const harness = await createDuckdbHarness();
  const session = await harness.engine.openSession([texts]);
  const row = (id: number, text: string): string =>
    `SELECT DATE '2026-01-01' AS day, ${id}::BIGINT AS id, '${text}' AS text`;
  await session.replaceDates({
    ...ofTexts,
    selects: [`SELECT DATE '2026-01-01' AS day, i AS id, 'old' AS text FROM range(50000) r(i)`],
    dates: 'all',
  });
  const written: number[] = [];
  for (const id of [7, 40_000]) {
    const { rows } = await session.replaceDates({
      ...ofTexts,
      selects: [row(id, 'new')],
      dates: ['2026-01-01'],
      replacing: `SELECT ${id}::BIGINT AS id`,
    });
    written.push(rows);
  }
  // The first time its one file became many.
  expect(written[0]).toBe(50_000);
  expect(written[1]).toBeLessThan(10_000);
  const relation = session.relation('model', 'texts');
  expect(
    await session.query(
      `SELECT count(*) AS n, count(DISTINCT id) AS ids, list(id ORDER BY id) FILTER (text = 'new')::VARCHAR AS new FROM ${relation}`,
    ),
  ).toEqual([{ n: 50_000n, ids: 50_000n, new: '[7, 40000]' }]);
  await harness.dispose();
});

test('where rows to replace lie in every part of a date, it is written into few files', async () => {
  const harness = await createDuckdbHarness();
  const session = await harness.engine.openSession([texts]);
  const old = `SELECT DATE '2026-01-01' AS day, i AS id, 'old' AS text FROM range(50000) r(i)`;
  await session.replaceDates({ ...ofTexts, selects: [old], dates: 'all' });
  const replace = (ids: string): ReturnType<typeof session.replaceDates> =>
    session.replaceDates({
      ...ofTexts,
      selects: [`SELECT DATE '2026-01-01' AS day, id, 'new' AS text FROM (${ids})`],
      dates: ['2026-01-01'],
      replacing: ids,
    });
  const one = await replace('SELECT 7::BIGINT AS id');
  const everywhere = 'SELECT i * 1000 AS id FROM range(50) r(i)';
  const many = await replace(everywhere);
  expect(one.files).toBeGreaterThan(8);
  expect(many.files).toBe(2);
  expect(
    await session.query(
      `SELECT count(*) AS n, count(DISTINCT id) AS ids,
         count(*) FILTER ((text = 'new') = (id % 1000 = 0 OR id = 7)) AS right FROM ${session.relation('model', 'texts')}`,
    ),
  ).toEqual([{ n: 50_000n, ids: 50_000n, right: 50_000n }]);
  await harness.dispose();
});

test('where keys have a time, rows as old as few of them come apart from the others, in whatever order they were written', async () => {
  const harness = await createDuckdbHarness();
  const moment = { name: 'moment', type: 'timestamp with time zone', description: '' };
  const session = await harness.engine.openSession([
    { ...texts, columns: [...texts.columns.slice(0, 2), moment, ...texts.columns.slice(2)] },
  ]);
  const rowsSql = (text: string, from: number): string =>
    `SELECT DATE '2026-01-01' AS day, i AS id, TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i) AS moment, '${text}' AS text
     FROM range(${from}, 50000) r(i) ORDER BY hash(i)`;
  await session.replaceDates({ ...ofTexts, selects: [rowsSql('old', 0)], dates: 'all' });
  const written: number[] = [];
  for (const text of ['new', 'newer']) {
    const { rows } = await session.replaceDates({
      ...ofTexts,
      selects: [rowsSql(text, 49_000)],
      dates: ['2026-01-01'],
      replacing: `SELECT id, moment FROM (${rowsSql(text, 49_000)})`,
    });
    written.push(rows);
  }
  expect(written[0]).toBe(50_000);
  expect(written[1]).toBeLessThan(10_000);
  expect(
    await session.query(
      `SELECT count(*) AS n, count(DISTINCT id) AS ids, count(*) FILTER ((text = 'newer') = (id >= 49000)) AS right
       FROM ${session.relation('model', 'texts')}`,
    ),
  ).toEqual([{ n: 50_000n, ids: 50_000n, right: 50_000n }]);
  await harness.dispose();
});

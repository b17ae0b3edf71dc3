import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openQueryEngine, type Pin, type QueryEngine, type TailCover, type TailTable } from '../src/index.ts';
import { queryErrorOf } from './support/errors.ts';
import { columns, fixedPin, openTestLake, relationOver, type TestLake } from './support/lake.ts';

let lake: TestLake;
let engine: QueryEngine;

beforeEach(async () => {
  lake = await openTestLake();
  engine = await openQueryEngine({ readableDirectories: [lake.filesDirectory] });
});

afterEach(async () => {
  await engine.close();
  await lake.close();
});

/** A pin of the rows that the tails have at the moment of the pin. */
function pinOf(
  files: readonly string[],
  tails: readonly TailTable[],
  covered: readonly TailCover[] = [],
): () => Promise<Pin> {
  return () =>
    fixedPin({
      name: 'silver',
      relationSql: relationOver(files),
      tail: { slices: tails.map((tail) => tail.slice()), covered },
    })();
}

describe('rows of another instance', () => {
  it('arrive with every type and every NULL', async () => {
    const tail = await engine.createTail('1', columns);
    expect(await tail.append(await lake.chunks(0, 5_000))).toBe(5_000);
    const file = await lake.writeFile(0, 5_000);
    const fromTail = await engine.run('FROM silver ORDER BY received_at', pinOf([], [tail]));
    const fromFile = await engine.run('FROM silver ORDER BY received_at', pinOf([file], []));
    expect(fromTail.rows).toEqual(fromFile.rows);
    expect(fromTail.rowCount).toBe(5_000);
  });

  it('outlive the instance that they came from', async () => {
    const source = await DuckDBInstance.create(':memory:');
    const connection = await source.connect();
    const result = await connection.run(
      "SELECT 'a text that is longer than twelve bytes ' || i FROM range(3000) r(i)",
    );
    const chunks = await result.fetchAllChunks();
    connection.closeSync();
    source.closeSync();
    const tail = await engine.createTail('1', [{ name: 'event_id', type: 'VARCHAR' }]);
    await tail.append(chunks);
    const pin = fixedPin({
      name: 'silver',
      relationSql: 'SELECT NULL AS event_id LIMIT 0',
      tail: { slices: [tail.slice()], covered: [] },
    });
    const read = await engine.run('SELECT count(DISTINCT event_id), max(length(event_id)) FROM silver', pin);
    expect(read.rows).toEqual([[3_000, 44]]);
  });

  it('are appended all or none', async () => {
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 10));
    const wrong = await (await lake.source.run('SELECT 1')).fetchAllChunks();
    const error = await queryErrorOf(tail.append([...(await lake.chunks(10, 20)), ...wrong]));
    expect(error.code).toBe('query-tail-failed');
    expect(tail.rowCount).toBe(10);
    await tail.append(await lake.chunks(20, 25));
    const read = await engine.run(
      'SELECT count(*), count(DISTINCT event_id), max(received_at) FROM silver',
      pinOf([], [tail]),
    );
    expect(read.rows).toEqual([[15, 15, '2026-01-01T00:00:24.000Z']]);
  });
});

describe('a pin (S6.1)', () => {
  it('shows exactly the rows of its epoch', async () => {
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 100));
    const early = pinOf([], [tail]);
    const pinned = await early();
    await tail.append(await lake.chunks(100, 150));
    const then = await engine.run('SELECT count(*) FROM silver', () => Promise.resolve(pinned));
    const now = await engine.run('SELECT count(*) FROM silver', pinOf([], [tail]));
    expect([then.rows, now.rows]).toEqual([[[100]], [[150]]]);
  });

  it('leaves out what the committed version covers, per partition', async () => {
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 90));
    const covered = [0, 1].map((partition) => ({
      key: { log_partition: partition },
      offsetColumn: 'log_offset',
      nextOffset: partition === 0 ? 30n : 12n,
    }));
    const read = await engine.run(
      'SELECT log_partition, count(*), min(log_offset) FROM silver GROUP BY 1 ORDER BY 1',
      pinOf([], [tail], covered),
    );
    expect(read.rows).toEqual([
      [1, 18, 12],
      [2, 30, 0],
    ]);
  });

  it('keeps a row whose key is NULL, which no commit covers', async () => {
    const tail = await engine.createTail('1', [
      { name: 'log_partition', type: 'INTEGER' },
      { name: 'log_offset', type: 'BIGINT' },
    ]);
    await tail.append(await (await lake.source.run('SELECT NULL::INTEGER, NULL::BIGINT')).fetchAllChunks());
    const pin = fixedPin({
      name: 'silver',
      relationSql: 'SELECT 0 AS log_partition, 0::BIGINT AS log_offset LIMIT 0',
      tail: {
        slices: [tail.slice()],
        covered: [{ key: { log_partition: 0 }, offsetColumn: 'log_offset', nextOffset: 9n }],
      },
    });
    expect((await engine.run('SELECT count(*) FROM silver', pin)).rows).toEqual([[1]]);
  });

  it('matches columns by name, so that an older generation lacks only values', async () => {
    const tail = await engine.createTail('1', [{ name: 'event_id', type: 'VARCHAR' }]);
    await tail.append(await (await lake.source.run("SELECT 'x'")).fetchAllChunks());
    const file = await lake.writeFile(0, 1);
    const read = await engine.run(
      'SELECT event_id, log_offset FROM silver ORDER BY event_id',
      pinOf([file], [tail]),
    );
    expect(read.rows).toEqual([
      ['e0', 0],
      ['x', null],
    ]);
  });

  it('answers the same statement anew when, and only when, its rows may be others', async () => {
    const tail = await engine.createTail('1', columns);
    const pin = pinOf([], [tail]);
    const ask = async (sql: string): Promise<unknown> => (await engine.run(sql, pin)).rows[0]?.[0];
    const counts: unknown[] = [];
    for (const next of [10, 20, 30]) {
      await tail.append(await lake.chunks(next - 10, next));
      counts.push(await ask('SELECT count(*) FROM silver'), await ask('SELECT count(*) FROM silver'));
    }
    expect(counts).toEqual([10, 10, 20, 20, 30, 30]);
    for (const changing of [
      'SELECT uuid()',
      'SELECT random()',
      'SELECT epoch_ns(now())',
      'SELECT list_transform([1], lambda x: uuid())',
    ]) {
      expect(await ask(changing)).not.toEqual(await ask(changing));
    }
    const cut = await engine.run('FROM silver', pin, { maxRows: 5 });
    const whole = await engine.run('FROM silver', pin);
    expect([cut.rowCount, cut.truncated, whole.rowCount, whole.truncated]).toEqual([5, true, 30, false]);
  });

  it('never takes a new generation for an old one of the same name and size', async () => {
    const ask = async (tail: TailTable): Promise<unknown> =>
      (await engine.run('SELECT min(received_at) FROM silver', pinOf([], [tail]))).rows[0]?.[0];
    const first = await engine.createTail('1', columns);
    await first.append(await lake.chunks(0, 10));
    expect(await ask(first)).toBe('2026-01-01T00:00:00.000Z');
    await first.drop();
    const second = await engine.createTail('1', columns);
    await second.append(await lake.chunks(30, 40));
    expect(await ask(second)).toBe('2026-01-01T00:00:30.000Z');
  });

  it('follows a table that a later pin no longer has', async () => {
    const two = fixedPin(
      { name: 'silver', relationSql: 'SELECT 1 AS a' },
      { name: 'gold', relationSql: 'SELECT 2 AS a' },
    );
    const one = fixedPin({ name: 'silver', relationSql: 'SELECT 3 AS a' });
    expect((await engine.run('SHOW TABLES', two)).rows).toEqual([['gold'], ['silver']]);
    expect((await engine.run('SHOW TABLES', one)).rows).toEqual([['silver']]);
    expect((await engine.run('FROM silver', one)).rows).toEqual([[3]]);
    expect((await queryErrorOf(engine.run('FROM gold', one))).code).toBe('query-not-allowed');
  });

  it('is released once, and its slices too, however the query ends', async () => {
    const tail = await engine.createTail('1', columns);
    const statements = [
      'FROM silver',
      'FROM nowhere',
      'SELECT nope FROM silver',
      "SELECT 'x'::INTEGER FROM silver",
      'SELECT 1; SELECT 2',
    ];
    let pinned = 0;
    let released = 0;
    const pin = async (): Promise<Pin> => {
      pinned += 1;
      return { ...(await pinOf([], [tail])()), release: () => (released += 1) };
    };
    await tail.append(await lake.chunks(0, 10));
    for (const statement of statements) await engine.run(statement, pin).catch(() => undefined);
    expect([pinned, released]).toEqual([4, 4]);
    // Resolves only when no slice is held any more.
    await tail.drop();
  });
});

describe('a dropped generation', () => {
  it('stays readable for the slices that it gave, and takes no more', async () => {
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 10));
    const pinned = await pinOf([], [tail])();
    const order: string[] = [];
    const dropped = tail.drop().then(() => order.push('dropped'));
    expect(() => tail.slice()).toThrow('was dropped');
    expect((await queryErrorOf(tail.append([]))).code).toBe('query-tail-failed');
    const read = await engine.run('SELECT count(*) FROM silver', () => Promise.resolve(pinned));
    order.push('read');
    expect(read.rows).toEqual([[10]]);
    await dropped;
    expect(order).toEqual(['read', 'dropped']);
    await tail.drop();
  });

  it('frees its name', async () => {
    const first = await engine.createTail(7, columns);
    await first.append(await lake.chunks(0, 10));
    await first.drop();
    const second = await engine.createTail(7, columns);
    expect(second.rowCount).toBe(0);
    expect((await engine.run('SELECT count(*) FROM silver', pinOf([], [second]))).rows).toEqual([[0]]);
  });
});

describe('createTail', () => {
  it('refuses names and types that could become other SQL', async () => {
    await expect(engine.createTail('1; DROP', columns)).rejects.toThrow(RangeError);
    await expect(engine.createTail('1', [{ name: 'a', type: 'INTEGER); DROP TABLE x; --' }])).rejects.toThrow(
      RangeError,
    );
    const odd = await engine.createTail('1', [{ name: 'a "b" c', type: 'INTEGER' }]);
    await odd.append(await (await lake.source.run('SELECT 1')).fetchAllChunks());
    expect(odd.rowCount).toBe(1);
  });
});

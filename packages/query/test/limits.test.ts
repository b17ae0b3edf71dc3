import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openQueryEngine, type Pin, type QueryEngine, type QueryEngineOptions } from '../src/index.ts';
import { queryErrorOf } from './support/errors.ts';
import { columns, fixedPin, openTestLake, relationOver, type TestLake } from './support/lake.ts';

let lake: TestLake;
let pin: () => Promise<Pin>;
const engines: QueryEngine[] = [];

async function open(options: Partial<QueryEngineOptions> = {}): Promise<QueryEngine> {
  const engine = await openQueryEngine({ readableDirectories: [lake.filesDirectory], ...options });
  engines.push(engine);
  return engine;
}

beforeEach(async () => {
  lake = await openTestLake();
  pin = fixedPin({ name: 'silver', relationSql: relationOver([await lake.writeFile(0, 3_000)]) });
});

afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
  await lake.close();
});

/** Runs for hours, and can be interrupted. */
const endless = 'SELECT count(*) FROM range(100000000000) a(i), range(1000) b(j) WHERE i * j % 7 = 3';
const tooLarge = 'SELECT count(DISTINCT i::VARCHAR || j) FROM range(100000) a(i), range(1000) b(j)';

async function works(engine: QueryEngine): Promise<void> {
  expect((await engine.run('SELECT count(*) FROM silver', pin)).rows).toEqual([[3_000]]);
}

describe('memory', () => {
  it('fails an out-of-memory query and keeps tails and later queries (S6.4)', async () => {
    const engine = await open({ memoryLimitMb: 32 });
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 100));
    expect((await queryErrorOf(engine.run(tooLarge, pin))).code).toBe('query-out-of-memory');
    expect(await tail.append(await lake.chunks(100, 200))).toBe(200);
    const tailPin = fixedPin({
      name: 'silver',
      relationSql: relationOver([]),
      tail: { slices: [tail.slice()], covered: [] },
    });
    expect((await engine.run('SELECT count(*) FROM silver', tailPin)).rows).toEqual([[200]]);
    await works(engine);
  });

  it('spills into its directory, no further than its limit, and leaves nothing there', async () => {
    const tempDirectory = path.join(lake.directory, 'spill');
    await mkdir(tempDirectory);
    const join = `
      SELECT count(*) FROM (SELECT hash(i) AS h, md5(i::VARCHAR) AS a FROM range(1000000) r(i)) x
      JOIN (SELECT hash(i) AS h, md5(i::VARCHAR) AS b FROM range(1000000) r(i)) y USING (h) WHERE a <= b`;
    const limits = { memoryLimitMb: 48, tempDirectory, threads: 1 };
    const roomy = await open(limits);
    expect((await roomy.run(join, pin)).rows).toEqual([[1_000_000]]);
    await roomy.close();
    const tight = await open({ ...limits, maxTempDirectoryMb: 8 });
    const error = await queryErrorOf(tight.run(join, pin));
    expect(error.code).toBe('query-out-of-memory');
    expect(error.message).not.toContain(lake.directory);
    await works(tight);
    await tight.close();
    const left = await readdir(tempDirectory, { recursive: true }).catch(() => []);
    expect(left).toEqual([]);
  });
});

describe('time', () => {
  it('stops a query at its time limit and goes on', async () => {
    const engine = await open({ timeoutMs: 300, maxConcurrent: 1 });
    const error = await queryErrorOf(engine.run(endless, pin));
    expect(error.code).toBe('query-timeout');
    await works(await open());
    const narrowed = await queryErrorOf(engine.run(endless, pin, { timeoutMs: 50 }));
    expect(narrowed.details).toEqual({ timeoutMs: 50 });
  });

  it('cancels a query that runs, one that waits, and one that pins', async () => {
    const engine = await open({ maxConcurrent: 1 });
    const running = new AbortController();
    const waiting = new AbortController();
    const first = queryErrorOf(engine.run(endless, pin, { signal: running.signal }));
    const second = queryErrorOf(engine.run('SELECT 1', pin, { signal: waiting.signal }));
    waiting.abort();
    expect((await second).code).toBe('query-cancelled');
    running.abort();
    expect((await first).code).toBe('query-cancelled');
    await works(engine);

    const pinning = new AbortController();
    let released = 0;
    const slowPin = async (): Promise<Pin> => {
      pinning.abort();
      return { ...(await pin()), release: () => (released += 1) };
    };
    expect((await queryErrorOf(engine.run('SELECT 1', slowPin, { signal: pinning.signal }))).code).toBe(
      'query-cancelled',
    );
    await works(engine);
    expect(released).toBe(1);

    expect((await queryErrorOf(engine.run('SELECT 1', pin, { signal: AbortSignal.abort() }))).code).toBe(
      'query-cancelled',
    );
  });

  it('holds the pin until DuckDB has let go of it', async () => {
    const engine = await open({ maxConcurrent: 1 });
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 10));
    const cancel = new AbortController();
    const started = Promise.withResolvers<undefined>();
    const tailPin = async (): Promise<Pin> => {
      const pinned = await fixedPin({
        name: 'silver',
        relationSql: relationOver([]),
        tail: { slices: [tail.slice()], covered: [] },
      })();
      started.resolve(undefined);
      return pinned;
    };
    const query = queryErrorOf(
      engine.run(`${endless} AND EXISTS (FROM silver)`, tailPin, { signal: cancel.signal }),
    );
    await started.promise;
    const dropped = tail.drop();
    cancel.abort();
    expect((await query).code).toBe('query-cancelled');
    await dropped;
    await works(engine);
  });
});

describe('results', () => {
  it('ends after maxRows and says so', async () => {
    const engine = await open({ maxRows: 100 });
    const cut = await engine.run('FROM silver', pin);
    expect([cut.rowCount, cut.rows.length, cut.truncated]).toEqual([100, 100, true]);
    const whole = await engine.run('FROM silver LIMIT 100', pin);
    expect([whole.rowCount, whole.truncated]).toEqual([100, false]);
    const narrowed = await engine.run('FROM silver', pin, { maxRows: 7 });
    expect([narrowed.rowCount, narrowed.truncated]).toEqual([7, true]);
    const widened = await engine.run('FROM silver', pin, { maxRows: 1_000 });
    expect(widened.rowCount).toBe(100);
    await works(engine);
  });

  it('ends after maxResultBytes too', async () => {
    const engine = await open({ maxResultBytes: 10_000 });
    const cut = await engine.run("SELECT repeat('x', 1000) FROM silver", pin);
    expect(cut.truncated).toBe(true);
    expect(cut.rowCount).toBe(10);
    await works(engine);
  });

  it('lets go of an endless result once it has enough', async () => {
    const engine = await open({ maxConcurrent: 1 });
    const tail = await engine.createTail('1', columns);
    await tail.append(await lake.chunks(0, 10));
    const tailPin = fixedPin({
      name: 'silver',
      relationSql: relationOver([]),
      tail: { slices: [tail.slice()], covered: [] },
    });
    const cut = await engine.run('SELECT s.event_id FROM range(100000000000) r(i), silver s', tailPin, {
      maxRows: 5,
    });
    expect([cut.rowCount, cut.truncated]).toEqual([5, true]);
    await tail.drop();
    await works(engine);
  });
});

describe('many queries', () => {
  it('run a few at a time, in turn; beyond the line they are refused', async () => {
    const engine = await open({ maxConcurrent: 1, maxWaiting: 3 });
    let active = 0;
    const counting = async (): Promise<Pin> => {
      active += 1;
      expect(active).toBe(1);
      return { ...(await pin()), release: () => (active -= 1) };
    };
    const all = Array.from({ length: 6 }, () =>
      engine.run('SELECT count(*) FROM silver', counting).then(
        () => 'answered',
        (error: unknown) => (error as { code: string; retryable: boolean }).code,
      ),
    );
    expect(await Promise.all(all)).toEqual([
      'answered',
      'answered',
      'answered',
      'answered',
      'query-too-many',
      'query-too-many',
    ]);
    await works(engine);
  });

  it('end when the engine closes, which may be said twice', async () => {
    const engine = await open({ maxConcurrent: 1 });
    const running = queryErrorOf(engine.run(endless, pin));
    const waiting = queryErrorOf(engine.run('SELECT 1', pin));
    await Promise.all([engine.close(), engine.close()]);
    expect((await running).code).toBe('query-engine-closed');
    expect((await waiting).code).toBe('query-engine-closed');
    expect((await queryErrorOf(engine.run('SELECT 1', pin))).code).toBe('query-engine-closed');
    expect((await queryErrorOf(engine.createTail('1', columns))).code).toBe('query-engine-closed');
  });
});

describe('options', () => {
  it('are checked when the engine opens', async () => {
    await expect(open({ readableDirectories: ['lake'] })).rejects.toThrow('absolute');
    await expect(open({ maxRows: 0 })).rejects.toThrow('maxRows');
    await expect(open({ timeoutMs: Number.NaN })).rejects.toThrow('timeoutMs');
  });

  it('refuses a table name that DuckDB could take for something else', async () => {
    const engine = await open();
    for (const name of ['a.parquet', 'Silver', 'duckdb_views', 'a b']) {
      const error: unknown = await engine
        .run('SELECT 1', fixedPin({ name, relationSql: 'SELECT 1' }))
        .catch((e: unknown) => e);
      expect(String(error)).toContain('cannot be the name');
    }
  });
});

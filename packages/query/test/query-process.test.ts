import { readdir, readFile } from 'node:fs/promises';
import os from 'node:os';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openQueryEngine, type Pin, type QueryEngine, type TailTable } from '../src/index.ts';
import { queryErrorOf } from './support/errors.ts';
import { columns, fixedPin, openTestLake, relationOver, type TestLake } from './support/lake.ts';
import { escapingStatements } from './support/escaping-statements.ts';

let lake: TestLake;
let engine: QueryEngine;
let tail: TailTable;

beforeEach(async () => {
  lake = await openTestLake();
  engine = await openQueryEngine({ readableDirectories: [lake.filesDirectory] });
  tail = await engine.createTail('1', columns);
  await tail.append(await lake.chunks(0, 100));
});

afterEach(async () => {
  await engine.close();
  await lake.close();
});

async function pin(): Promise<Pin> {
  const relationSql = relationOver([]);
  return fixedPin({ name: 'silver', relationSql, tail: { slices: [tail.slice()], covered: [] } })();
}

const count = async (): Promise<unknown> =>
  (await engine.run('SELECT count(*), count(DISTINCT event_id) FROM silver', pin)).rows[0];

/** Processes that this one started and that run user SQL. */
async function queryProcesses(): Promise<number[]> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8');
  const pids = children.trim().split(' ').filter(Boolean).map(Number);
  const lines = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return pids.filter((_pid, index) => lines[index]?.includes('query-process-main') === true);
}

describe('a statement that escapes DuckDB’s memory limit (S6.4)', () => {
  it.each(Object.entries(escapingStatements))('ends with the query process alone: %s', async (_name, sql) => {
    const before = process.memoryUsage.rss();
    const error = await queryErrorOf(engine.run(sql, pin));
    expect(error.code).toBe('query-out-of-memory');
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 2 ** 20);
    // The next process has every row again, and takes more.
    expect(await count()).toEqual([100, 100]);
    expect(await tail.append(await lake.chunks(100, 150))).toBe(150);
    expect(await count()).toEqual([150, 150]);
  });

  it('lets statements that wait in line run in the next process', async () => {
    const narrow = await openQueryEngine({ readableDirectories: [lake.filesDirectory], maxConcurrent: 1 });
    try {
      const escaping = queryErrorOf(narrow.run(escapingStatements['a chain of subqueries'], fixedPin()));
      const waiting = narrow.run('SELECT 42', fixedPin());
      expect((await escaping).code).toBe('query-out-of-memory');
      expect((await waiting).rows).toEqual([[42]]);
    } finally {
      await narrow.close();
    }
  });

  it('gives its pin back, so that its tail can go', async () => {
    await queryErrorOf(engine.run(escapingStatements['a chain of subqueries'], pin));
    await tail.drop();
    expect(tail.rowCount).toBe(100);
  });
});

it('ends a statement that cannot be interrupted, and with it its process', async () => {
  const narrow = await openQueryEngine({ readableDirectories: [lake.filesDirectory], maxConcurrent: 1 });
  try {
    const endless =
      'SELECT levenshtein(s, reverse(s)) FROM (SELECT string_agg(i) AS s FROM range(300000) t(i))';
    expect((await queryErrorOf(narrow.run(endless, fixedPin(), { timeoutMs: 500 }))).code).toBe(
      'query-timeout',
    );
    expect((await narrow.run('SELECT 42', fixedPin())).rows).toEqual([[42]]);
  } finally {
    await narrow.close();
  }
});

describe.runIf(process.platform === 'linux')('the query process', () => {
  it('is started anew when it is killed, and ends with its engine', async () => {
    const before = await queryProcesses();
    expect(before).toHaveLength(1);
    for (const pid of before) process.kill(pid, 'SIGTERM');
    // What is asked meanwhile is asked of the next one.
    expect(await count()).toEqual([100, 100]);
    const after = await queryProcesses();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    await engine.close();
    expect(await queryProcesses()).toEqual([]);
  });

  it('gets none of our environment', async () => {
    process.env.CLICKLAKE_TEST_SECRET = 'hush';
    const other = await openQueryEngine({ readableDirectories: [lake.filesDirectory] });
    try {
      const environments = await Promise.all(
        (await queryProcesses()).map((pid) => readFile(`/proc/${pid}/environ`, 'utf8')),
      );
      expect(environments).toHaveLength(2);
      expect(environments.join()).not.toContain('hush');
    } finally {
      delete process.env.CLICKLAKE_TEST_SECRET;
      await other.close();
    }
  });

  it('shows nobody else the rows on their way, and leaves none', async () => {
    const mine = async (): Promise<string[]> =>
      (await readdir(os.tmpdir())).filter((name) => name.startsWith(`clicklake-tail-${process.pid}-`));
    expect(await mine()).toHaveLength(1);
    await engine.close();
    expect(await mine()).toEqual([]);
  });
});

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openQueryEngine, QueryError, type Pin, type QueryEngine } from '../src/index.ts';
import { queryErrorOf } from './support/errors.ts';
import { refused } from './support/refused-statements.ts';
import { fixedPin, openTestLake, relationOver, type TestLake } from './support/lake.ts';

const secret = 'the-canary-sings';

let lake: TestLake;
let engine: QueryEngine;
let pin: () => Promise<Pin>;
let file: string;
/** Inside the readable directories: the settings of DuckDB would let a statement write here. */
let canary: string;

beforeAll(async () => {
  lake = await openTestLake();
  file = await lake.writeFile(0, 20);
  canary = path.join(lake.directory, 'lake', 'canary');
  await mkdir(canary);
  await writeFile(path.join(canary, 'secret.csv'), `a\n${secret}\n`);
  await writeFile(path.join(canary, 'secret.txt'), secret);
  await writeFile(path.join(canary, 'secret.json'), JSON.stringify({ a: secret }));
  engine = await openQueryEngine({ readableDirectories: [path.join(lake.directory, 'lake')] });
  pin = fixedPin({ name: 'silver', relationSql: relationOver([file]) });
});

afterAll(async () => {
  await engine.close();
  await lake.close();
});

async function canaryState(): Promise<Record<string, string>> {
  const names = await readdir(canary);
  const contents = await Promise.all(names.map((name) => readFile(path.join(canary, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, contents[index] ?? '']));
}

describe('statements that S6.4 allows', () => {
  const allowed: [statement: string, firstCell: unknown][] = [
    ['SELECT count(*) FROM silver', 20],
    ['FROM silver SELECT count(*)', 20],
    ['SELECT count(*) FROM silver;', 20],
    ['select COUNT(*) from "SILVER" -- a comment', 20],
    ['/* a /* nested */ comment */ SELECT count(*) FROM silver', 20],
    ['VALUES (42)', 42],
    ['TABLE silver', 'e0'],
    ['(SELECT 1) UNION ALL (SELECT 1)', 1],
    ['SHOW TABLES', 'silver'],
    ['DESCRIBE silver', 'event_id'],
    ['DESCRIBE SELECT 1 AS one', 'one'],
    ['SUMMARIZE silver', 'event_id'],
    ['SELECT column_name FROM (DESCRIBE silver)', 'event_id'],
    ['EXPLAIN SELECT count(*) FROM silver', 'physical_plan'],
    ['explain /* x */ analyze SELECT count(*) FROM silver', 'analyzed_plan'],
    ['EXPLAIN (SELECT 1)', 'physical_plan'],
    ['WITH silver AS (SELECT * FROM silver LIMIT 3) SELECT count(*) FROM silver', 3],
    ['WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT x FROM b', 2],
    ['WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT max(i) FROM r', 5],
    ['SELECT count(*) FROM silver s JOIN silver t USING (event_id)', 20],
    ['SELECT x FROM (SELECT 7 AS n), LATERAL (SELECT n + 1 AS x)', 8],
    ['SELECT count(*) FROM range(10) r(i), generate_series(1, 2) g(j), unnest([1, 2]) u(k)', 40],
    ['SELECT row_number() OVER (ORDER BY log_offset) AS n FROM silver QUALIFY n = 1', 1],
    [
      'SELECT count(DISTINCT event_id) FILTER (log_partition = 0) FROM silver GROUP BY ROLLUP (is_bot) ORDER BY 1 DESC',
      7,
    ],
    ['PIVOT (SELECT log_partition FROM silver) ON log_partition IN (0, 1) USING count(*)', 7],
    ['PIVOT (SELECT 1.5::DECIMAL(9, 2) AS d) ON d IN (1.5::DECIMAL(9, 2)) USING count(*)', 1],
    ['UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b', 'a'],
    [
      "SELECT list_transform([1, 2], lambda x: x + 1)[1], [x for x in [3] if x > 2], {'a': 1}.a, MAP {'k': 1}['k']",
      2,
    ],
    ["SELECT date_trunc('hour', received_at)::VARCHAR FROM silver LIMIT 1", '2026-01-01 00:00:00+00'],
    ["SELECT '{\"a\": 1}'::JSON -> '$.a'", '1'],
    ['SELECT current_setting FROM (SELECT 1 AS current_setting)', 1],
    ['SELECT event_id.upper() FROM silver LIMIT 1', 'E0'],
    [
      "SELECT lpad(extract(hour FROM received_at)::VARCHAR, 2, '0') || ':' || repeat('-', 10) FROM silver LIMIT 1",
      '00:----------',
    ],
    ["SELECT printf('%05.2f', 3.14159)", '03.14'],
    [
      "SELECT regexp_replace(replace(replace(replace('HTTP://a/b?c', 'HTTP://', 'https://'), 'a', 'shop.example'), 'b', 'basket'), '\\?.*$', '')",
      'https://shop.example/basket',
    ],
    ["SELECT 'read_text(''/etc/passwd'')'", "read_text('/etc/passwd')"],
    [
      "SELECT event_id FROM silver WHERE event_id IN (SELECT event_id FROM silver) AND is_bot IS NULL AND event_id LIKE 'e%' LIMIT 1",
      'e0',
    ],
    ['SELECT [1, 2, 3]::INTEGER[3]', [1, 2, 3]],
    ['SELECT count(*) FROM silver TABLESAMPLE 100%', 20],
    ['SELECT \'{"a": {"b": 1}}\'::JSON ->> \'$.a.b\'', '1'],
  ];

  it.each(allowed)('%s', async (statement, firstCell) => {
    const result = await engine.run(statement, pin);
    expect(result.rows[0]?.[0]).toEqual(firstCell);
  });

  it('runs in UTC', async () => {
    const result = await engine.run("SELECT TIMESTAMP '2026-07-01 12:00:00'::TIMESTAMPTZ", pin);
    expect(result.rows).toEqual([['2026-07-01T12:00:00.000Z']]);
  });
});

describe('statements that S6.4 refuses', () => {
  it.each(refused)('%s', async (statement) => {
    const before = await canaryState();
    const error = await queryErrorOf(engine.run(statement.replaceAll('@', canary), pin));
    // Refused by the judge or by the parser: binding the statement would already open its files.
    if (error.code === 'query-syntax') expect(error.message).toMatch(/^Parser Error: /);
    else expect(error.code).toBe('query-not-allowed');
    expect(error.hint).not.toBe('');
    expect(`${error.message}${error.hint}`).not.toContain(secret);
    expect(await canaryState()).toEqual(before);
  });

  it('never asks for a pin for a statement that may not run', async () => {
    let pinned = 0;
    const counting = (): Promise<Pin> => {
      pinned += 1;
      return pin();
    };
    await queryErrorOf(engine.run("FROM read_text('/etc/passwd')", counting));
    expect(pinned).toBe(0);
  });

  it('refuses a statement that is too long, and one nested too deep, with an error', async () => {
    const long = await queryErrorOf(engine.run(`SELECT '${'x'.repeat(100_000)}'`, pin));
    expect(long.code).toBe('query-not-allowed');
    for (const deep of [
      `SELECT ${'1+'.repeat(20_000)}1`,
      `SELECT ${'NOT '.repeat(20_000)}true`,
      `SELECT ${'['.repeat(9_000)}`,
    ]) {
      expect((await queryErrorOf(engine.run(deep, pin))).code).toBe('query-syntax');
    }
  });
});

describe('messages', () => {
  it('shows where the syntax is wrong', async () => {
    const error = await queryErrorOf(engine.run('SELECT count(*)\nFORM silver', pin));
    expect(error.code).toBe('query-syntax');
    expect(error.message).toContain('LINE 2: FORM silver');
  });

  it('names the tables that there are', async () => {
    const error = await queryErrorOf(engine.run('SELECT * FROM gold', pin));
    expect(error.message).toContain('"gold"');
    expect(error.hint).toContain('silver');
  });

  it('writes paths of the lake out of plans and errors', async () => {
    const missing = fixedPin({
      name: 'silver',
      relationSql: relationOver([`${lake.filesDirectory}/gone.parquet`]),
    });
    const error = await queryErrorOf(engine.run('FROM silver', missing));
    expect(error.code).toBe('query-table-unreadable');
    expect(error.message).toContain('gone.parquet');
    expect(error.message).not.toContain(lake.directory);
    const after = await engine.run('SELECT count(*) FROM silver', pin);
    expect(after.rows).toEqual([[20]]);
  });
});

/** Pieces of hostile and of honest SQL, put together at random. */
const fragments = [
  'SELECT', 'SELECT *', 'FROM', 'silver', '(', ')', ',', ';', '1', '*', "'@/out.csv'", "'@/secret.csv'", '"@/secret.csv"',
  'COPY', 'TO', 'ATTACH', 'EXPLAIN', 'ANALYZE', 'EXPORT DATABASE', "read_text('@/secret.txt')", "read_csv('@/secret.csv')",
  "glob('@/*')", "query('FROM ''@/secret.csv''')", 'WITH x AS', 'x', 'UNION ALL', 'LATERAL', 'DESCRIBE', 'SUMMARIZE', 'SHOW',
  'CREATE TABLE t AS', 'INSERT INTO', '--', '/*', '*/', '\n', 'WHERE', 'IN', 'EXISTS', 'JOIN', 'ON true', "a := 1", 'VALUES',
  '[', ']', '{', '}', "'", '"', '$$', 'TABLE', 'PIVOT', 'USING', 'count(*)', 'AS', 'CALL', 'SET', 'PRAGMA', 'query_table(',
]; // prettier-ignore

describe('any text', () => {
  it('neither writes nor reads a file beyond the tables', async () => {
    const before = await canaryState();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...fragments), { minLength: 1, maxLength: 14 }),
        async (parts) => {
          const outcome: unknown = await engine
            .run(parts.join(' ').replaceAll('@', canary), pin)
            .catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(QueryError);
          else expect(JSON.stringify(outcome)).not.toContain(secret);
        },
      ),
      { numRuns: 1_500 },
    );
    expect(await canaryState()).toEqual(before);
  });
});

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openQueryEngine, QueryError, type Pin, type QueryEngine } from '../src/index.ts';
import { queryErrorOf } from './support/errors.ts';
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
    ['SELECT current_setting FROM (SELECT 1 AS current_setting)', 1],
    ['SELECT event_id.upper() FROM silver LIMIT 1', 'E0'],
    [
      "SELECT lpad(extract(hour FROM received_at)::VARCHAR, 2, '0') || ':' || repeat('-', 10) FROM silver LIMIT 1",
      '00:----------',
    ],
    ["SELECT printf('%05.2f', 3.14159)", '03.14'],
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
  /** `@` stands for the canary directory, which DuckDB itself may read and write. */
  const refused: string[] = [
    // Statements that are not queries.
    "COPY silver TO '@/out.csv'",
    "COPY (SELECT 1) TO '@/out.parquet' (FORMAT parquet)",
    "COPY silver FROM '@/secret.csv'",
    "ATTACH '@/out.db'",
    "ATTACH '@/out.db' AS x (READ_ONLY)",
    'DETACH memory',
    'SET threads = 1',
    'SET VARIABLE rows_of_tail_1 = 0',
    'RESET threads',
    'SET enable_external_access = true',
    'PRAGMA version',
    'PRAGMA database_list',
    "PRAGMA table_info('silver')",
    'INSTALL httpfs',
    'LOAD httpfs',
    "LOAD '@/extension.duckdb_extension'",
    'CREATE TABLE t AS SELECT 1',
    'CREATE TEMP VIEW v AS SELECT 1',
    'CREATE OR REPLACE TEMP VIEW silver AS SELECT 1',
    'CREATE MACRO m() AS 1',
    'CREATE MACRO m(p) AS TABLE SELECT * FROM read_text(p)',
    'CREATE SECRET s (TYPE s3)',
    'INSERT INTO silver VALUES (1)',
    'UPDATE silver SET event_id = NULL',
    'DELETE FROM silver',
    'TRUNCATE silver',
    'DROP VIEW silver',
    'DROP TABLE live.tail_1',
    'ALTER TABLE silver ADD COLUMN x INT',
    'MERGE INTO silver USING silver AS s ON true WHEN MATCHED THEN DELETE',
    'CALL range(1)',
    'CALL enable_logging()',
    "EXPORT DATABASE '@/export'",
    "IMPORT DATABASE '@'",
    'VACUUM',
    'CHECKPOINT',
    'USE memory',
    'BEGIN',
    'COMMIT',
    'PREPARE p AS SELECT 1',
    'EXECUTE p',
    'ANALYZE',
    "COMMENT ON TABLE silver IS 'x'",
    // EXPLAIN runs nothing new, but EXPLAIN ANALYZE does.
    "EXPLAIN COPY silver TO '@/out.csv'",
    "EXPLAIN ANALYZE COPY silver TO '@/out.csv'",
    'EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1',
    'EXPLAIN EXPLAIN SELECT 1',
    "EXPLAIN SELECT * FROM '@/secret.csv'",
    "EXPLAIN ANALYZE SELECT * FROM read_text('@/secret.txt')",
    "EXPLAIN (FORMAT json) COPY silver TO '@/out.csv'",
    "EXPLAIN (ANALYZE) COPY silver TO '@/out.csv'",
    // Several statements, none, and what hides them.
    'SELECT 1; SELECT 2',
    "SELECT 1; COPY silver TO '@/out.csv'",
    "SELECT 1 /* ; */ ; COPY silver TO '@/out.csv' --",
    "SELECT 1 --\n; COPY silver TO '@/out.csv'",
    "EXPLAIN SELECT 1; COPY silver TO '@/out.csv'",
    "EXPLAIN /* */ SELECT 1; ATTACH '@/out.db'",
    '',
    ';',
    ' -- only a comment',
    "SELECT 1\0; COPY silver TO '@/out.csv'",
    // Functions that read files, in every position.
    "SELECT * FROM read_text('@/secret.txt')",
    "FROM read_blob('@/secret.txt')",
    "FROM READ_TEXT('@/secret.txt')",
    'FROM "read_text"(\'@/secret.txt\')',
    "FROM main.read_text('@/secret.txt')",
    "FROM system.main.read_text('@/secret.txt')",
    "FROM read_csv('@/secret.csv')",
    "FROM read_csv_auto('@/secret.csv')",
    "FROM read_json('@/secret.json')",
    "FROM read_json_objects('@/secret.json')",
    "FROM read_ndjson_auto('@/secret.json')",
    "FROM read_parquet('@/../silver/0.parquet')",
    "FROM parquet_scan('@/../silver/0.parquet')",
    "FROM parquet_metadata('@/../silver/0.parquet')",
    "FROM parquet_schema('@/../silver/0.parquet')",
    "FROM parquet_kv_metadata('@/../silver/0.parquet')",
    "FROM sniff_csv('@/secret.csv')",
    "FROM read_duckdb('@/x.db')",
    "FROM glob('@/*')",
    "FROM glob('/etc/*')",
    "FROM sql_auto_complete('COPY silver TO ''@/')",
    "SELECT (SELECT content FROM read_text('@/secret.txt'))",
    "SELECT count(*) FROM silver WHERE event_id IN (SELECT content FROM read_text('@/secret.txt'))",
    "SELECT * FROM silver, LATERAL (SELECT * FROM read_text('@/secret.txt'))",
    "SELECT * FROM (SELECT * FROM (SELECT * FROM (FROM read_text('@/secret.txt'))))",
    "WITH x AS (FROM read_text('@/secret.txt')) SELECT * FROM x",
    "WITH x AS MATERIALIZED (SELECT 1), y AS (FROM glob('@/*')) SELECT * FROM x",
    "WITH RECURSIVE r AS (SELECT 'a' AS f UNION ALL SELECT content FROM r, read_text('@/secret.txt')) FROM r",
    "SELECT 1 UNION ALL SELECT content FROM read_text('@/secret.txt')",
    "SELECT * FROM silver ORDER BY (SELECT content FROM read_text('@/secret.txt'))",
    "SELECT * FROM silver LIMIT (SELECT count(*) FROM read_text('@/secret.txt'))",
    "SELECT * FROM silver LIMIT (SELECT count(*) FROM read_text('@/secret.txt')) PERCENT",
    "SELECT sum(1) OVER (PARTITION BY (SELECT content FROM read_text('@/secret.txt'))) FROM silver",
    "SELECT count(*) FILTER (WHERE EXISTS (FROM read_text('@/secret.txt'))) FROM silver",
    "SELECT list_transform([1], lambda x: (SELECT content FROM read_text('@/secret.txt')))",
    "SELECT CASE WHEN true THEN (SELECT content FROM read_text('@/secret.txt')) END",
    "SELECT * REPLACE ((SELECT content FROM read_text('@/secret.txt')) AS event_id) FROM silver",
    "SELECT COLUMNS(c -> c = (SELECT content FROM read_text('@/secret.txt'))) FROM silver",
    "SELECT * FROM silver JOIN silver s ON EXISTS (FROM read_text('@/secret.txt'))",
    "SELECT * FROM silver GROUP BY (SELECT content FROM read_text('@/secret.txt'))",
    "SELECT 1 FROM silver HAVING EXISTS (FROM read_text('@/secret.txt'))",
    "SELECT 1 FROM silver QUALIFY EXISTS (FROM read_text('@/secret.txt'))",
    "SELECT DISTINCT ON ((SELECT content FROM read_text('@/secret.txt'))) 1 FROM silver",
    "VALUES ((SELECT content FROM read_text('@/secret.txt')))",
    "PIVOT read_text('@/secret.txt') ON filename IN ('a') USING count(*)",
    "PIVOT silver ON (SELECT content FROM read_text('@/secret.txt')) IN ('a') USING count(*)",
    "PIVOT silver ON is_bot IN (true) USING max((SELECT content FROM read_text('@/secret.txt')))",
    "UNPIVOT (FROM read_text('@/secret.txt')) ON content",
    "DESCRIBE SELECT * FROM read_text('@/secret.txt')",
    "SUMMARIZE SELECT * FROM read_text('@/secret.txt')",
    "FROM unnest((SELECT list(content) FROM read_text('@/secret.txt')))",
    "FROM range((SELECT count(*) FROM read_text('@/secret.txt')))",
    "SELECT x.read_text() FROM (SELECT '@/secret.txt' AS x)",
    "FROM (SELECT 1) x POSITIONAL JOIN read_text('@/secret.txt')",
    "FROM (SELECT 1 AS t) x ASOF JOIN (SELECT 1 AS t FROM read_text('@/secret.txt')) y ON x.t >= y.t",
    // Files by replacement scan.
    "FROM '@/secret.csv'",
    'FROM "@/secret.csv"',
    "TABLE '@/secret.csv'",
    "DESCRIBE '@/secret.csv'",
    "SUMMARIZE '@/secret.csv'",
    "SHOW '@/secret.csv'",
    "FROM '@/*.csv'",
    'FROM "/etc/passwd"',
    "FROM 'https://example.org/x.parquet'",
    "SELECT * FROM silver JOIN '@/secret.csv' ON true",
    `WITH "@/secret.csv" AS (SELECT 1) SELECT * FROM "@/secret.csv"`,
    `SELECT * FROM (WITH "@/secret.csv" AS (SELECT 1) SELECT 1), "@/secret.csv"`,
    `WITH "secret.csv" AS (SELECT * FROM "secret.csv") SELECT * FROM "secret.csv"`,
    // SQL inside a function.
    "FROM query('SELECT 1')",
    "FROM query('FROM read_text(''@/secret.txt'')')",
    "FROM query_table('@/secret.csv')",
    "FROM query_table(['silver'])",
    "SELECT json_serialize_plan('FROM read_csv(''@/secret.csv'')')",
    "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT json_serialize_sql('SELECT 1')",
    "FROM histogram('@/secret.csv', a)",
    'FROM summary((FROM silver))',
    // Settings, variables, secrets, the engine's state.
    "SELECT current_setting('temp_directory')",
    "SELECT getvariable('rows_of_tail_1')",
    "SELECT getenv('HOME')",
    'FROM duckdb_settings()',
    'FROM duckdb_secrets()',
    "FROM which_secret('s3://x', 's3')",
    'FROM duckdb_tables()',
    'FROM duckdb_views()',
    'FROM duckdb_views',
    'FROM duckdb_databases()',
    'FROM duckdb_extensions()',
    'FROM duckdb_logs',
    'FROM duckdb_variables()',
    'FROM pragma_database_list',
    "FROM pragma_table_info('silver')",
    "FROM pragma_storage_info('live.tail_1')",
    'FROM pg_catalog.pg_tables',
    'FROM pg_settings',
    'FROM sqlite_master',
    'FROM information_schema.views',
    'FROM live.tail_1',
    'FROM memory.live.tail_1',
    'FROM main.silver',
    'SHOW ALL TABLES',
    'SHOW DATABASES',
    'SHOW',
    'DESCRIBE',
    'SHOW VARIABLES',
    'SHOW TABLES FROM live',
    "FROM seq_scan('live.tail_1')",
    'FROM arrow_scan(1, 2, 3)',
    'FROM checkpoint()',
    'FROM enable_logging()',
    'FROM truncate_duckdb_logs()',
    // Side effects, and what cannot be stopped.
    "SELECT write_log('x')",
    "SELECT nextval('s')",
    'SELECT setseed(0.5)',
    'SELECT sleep_ms(1000)',
    'SELECT pg_sleep(1)',
    // Names of WITH queries that hide something.
    'WITH duckdb_views AS (SELECT 1) SELECT * FROM duckdb_views',
    'WITH a AS (FROM pg_settings), pg_settings AS (SELECT 1) FROM a',
    "WITH read_text AS (SELECT 1) SELECT * FROM read_text('@/secret.txt')",
    "WITH read_text(x) AS (SELECT 1) SELECT * FROM read_text, read_text('@/secret.txt')",
    // Unicode that looks like something else.
    "FROM ｒｅａｄ_ｔｅｘｔ('@/secret.txt')",
    "FROM read_text\u200b('@/secret.txt')",
    'SELECT * FROM ſilver',
    'SELECT * FROM "silver\u200b"',
    "SELECT 1\u037e COPY silver TO '@/out.csv'",
    // Values larger than the memory limit sees.
    "SELECT repeat('x', 1500000000)",
    'SELECT repeat(repeat(event_id, 1000), 1000) FROM silver',
    "SELECT repeat('x', 1000000 * 1000)",
    'SELECT repeat(event_id, log_offset) FROM silver',
    "SELECT repeat('x', (SELECT 1000000000))",
    "SELECT lpad('x', 1000000000, 'y'), rpad('x', 3, 'y')",
    'SELECT list_resize([1], 500000000)',
    'SELECT range(300000000)',
    'SELECT generate_series(-1500000000, 0)',
    "SELECT bitstring('1', 2000000000)",
    "SELECT format('{:1000000000}', 1)",
    "SELECT format('{:{}}', 1, 1000000000)",
    "SELECT printf('%*d', 1000000000, 1)",
    'SELECT format(event_id, 1) FROM silver',
    'SELECT NULL::INTEGER[100000]',
    'SELECT NULL::STRUCT(a INTEGER[1000][1000])[]',
    // Parameters: there is nobody to bind them.
    'SELECT ?',
    'SELECT $1',
    'SELECT $name',
  ];

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

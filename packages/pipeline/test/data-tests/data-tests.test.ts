import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestReport } from '@clicklake/pipeline';
import { expect, test } from 'vitest';
import { tableSql } from '../../src/lake/lake-tables.ts';
import type { TestLake } from '../harness/test-lake.ts';
import { onALake, visit } from '../refresh/gold-bench.ts';

const all = { names: [] };
const ownModels = join(import.meta.dirname, '../../../../models');

/** Commits rows to Silver past ingest, as changed copies of those that there are. */
async function meddle(lake: TestLake, replacements: string, from = 'range(1)'): Promise<void> {
  const opened = await lake.tables();
  const { silver } = opened.tables;
  const rows = tableSql(silver, await silver.snapshot());
  await silver.append(
    `SELECT * EXCLUDE (number) REPLACE (${replacements})
     FROM (SELECT * FROM (${rows}) LIMIT 1) CROSS JOIN ${from} AS numbers(number)`,
  );
  await opened.close();
}

function notPassed({ tests }: TestReport): unknown[] {
  return tests
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ test: name, verdict, failures }) => [name, verdict, failures]);
}

/** A copy of the repository's project with files of a test's own. */
async function withModels(
  files: Readonly<Record<string, string>>,
  work: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-models-'));
  try {
    await cp(ownModels, directory, { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(join(directory, path), text);
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

test('everything passes on what Gold stands for, also while Silver has gone on', async () => {
  await onALake(async ({ send, refresh, owner, sql }) => {
    await send([visit('ann', 10), visit('ben', 1440, { type: 'product_view', product: 'laptop' })]);
    const { silverVersion } = await refresh();
    await send([visit('ann', 20), visit('cleo', 2880)]);
    const report = await owner.test(all);
    expect(report).toMatchObject({ passed: true, silverVersion });
    expect(report.tests.length).toBeGreaterThan(60);
    expect(notPassed(report)).toEqual([]);
    expect(await sql('SELECT count(*) FROM test_failures')).toEqual([[0]]);
    expect(await owner.failingTests()).toEqual([]);
  });
});

test('failing rows are stored until the test passes, and other tests’ runs leave them alone', async () => {
  await onALake(async ({ lake, send, refresh, owner, sql }) => {
    await send([visit('ann', 10), visit('ben', 20)]);
    const { silverVersion } = await refresh();
    await meddle(lake, `'odd' || number AS event_id, 'wink''s' AS event_type`, 'range(3)');
    expect(notPassed(await owner.test(all))).toEqual([]);
    await refresh();
    const report = await owner.test(all);
    expect(report.passed).toBe(false);
    expect(notPassed(report)).toEqual([['accepted_values_stg_events_event_type', 'fail', 1]]);
    const stored = `SELECT test, model, column_name, verdict, failures, failing_row FROM test_failures`;
    const rows = [
      [
        'accepted_values_stg_events_event_type',
        'stg_events',
        'event_type',
        'fail',
        1,
        `{"value_field":"wink's","n_records":3}`,
      ],
    ];
    expect(await sql(stored)).toEqual(rows);
    expect(await owner.failingTests()).toMatchObject([
      { test: 'accepted_values_stg_events_event_type', verdict: 'fail', failures: 1, message: null },
    ]);
    expect((await owner.test({ names: ['daily_aggregates'] })).passed).toBe(true);
    expect(await sql(stored)).toEqual(rows);
    await owner.restore('silver', { version: silverVersion, discard: true });
    await refresh();
    expect((await owner.test({ names: ['stg_events'] })).passed).toBe(true);
    expect(await sql(stored)).toEqual([]);
    expect(await owner.failingTests()).toEqual([]);
  });
});

test('of many failing rows all are counted and a hundred are stored', async () => {
  await onALake(async ({ lake, send, refresh, owner, sql }) => {
    await send([visit('ann', 10)]);
    await meddle(
      lake,
      `'same' AS event_id, CAST(NULL AS VARCHAR) AS user_id, CAST(NULL AS VARCHAR) AS anonymous_id`,
      'range(1234)',
    );
    await refresh();
    const report = await owner.test({ names: ['not_null_stg_events_user_id'] });
    expect(notPassed(report)).toEqual([['not_null_stg_events_user_id', 'fail', 1234]]);
    expect(
      await sql(
        `SELECT count(*), count(DISTINCT failing_row->>'event_id'), min(failures) FROM test_failures`,
      ),
    ).toEqual([[100, 1, 1234]]);
  });
});

test('severity, warn_if, error_if and where mean what they mean to dbt', async () => {
  const cases = [
    ['only_warns', '{ severity: warn }', 'warn', 2],
    ['below_the_error', '{ error_if: "> 2" }', 'warn', 2],
    ['above_the_error', '{ error_if: "> 1", warn_if: "> 0" }', 'fail', 2],
    ['below_both', '{ warn_if: "> 2", error_if: "> 2" }', 'pass', 2],
    ['looks_elsewhere', `{ where: "product_id = 'none'" }`, 'pass', 0],
  ] as const;
  const entries = cases.map(
    ([name, config]) => `
          - accepted_values:
              name: ${name}
              arguments: { values: [page_view] }
              config: ${config}`,
  );
  const described = `
        description: The product.
        data_tests:`;
  const marts = await readFile(join(ownModels, 'marts/marts.yml'), 'utf8');
  const singular = `{{ config(severity='warn') }}\nselect product_id from {{ ref('product_performance') }}`;
  await withModels(
    {
      'marts/marts.yml': marts.replace(`${described} [not_null]`, `${described}${entries.join('')}`),
      'tests/singular_warns.sql': singular,
    },
    async (modelsDirectory) => {
      await onALake(
        async ({ send, refresh, owner }) => {
          await send([
            visit('ann', 10, { type: 'product_view', product: 'laptop' }),
            visit('ann', 11, { type: 'product_view', product: 'tablet' }),
          ]);
          await refresh();
          const report = await owner.test({ names: [...cases.map(([name]) => name), 'singular_warns'] });
          expect(report.tests.map(({ test: name, verdict, failures }) => [name, verdict, failures])).toEqual([
            ...cases.map(([name, , verdict, failures]) => [name, verdict, failures]),
            ['singular_warns', 'warn', 2],
          ]);
        },
        undefined,
        { modelsDirectory },
      );
    },
  );
});

test('a test that cannot be carried out says why, and is no success', async () => {
  await withModels(
    { 'tests/broken.sql': `select no_such_column from {{ ref('stg_events') }}` },
    async (modelsDirectory) => {
      await onALake(
        async ({ send, refresh, owner }) => {
          await send([visit('ann', 10)]);
          const names = ['unique_daily_aggregates_date', 'not_null_stg_events_event_id'];
          await expect(owner.test({ names })).rejects.toMatchObject({ code: 'tests-no-gold' });
          expect(await owner.test({ names: names.slice(1) })).toMatchObject({ passed: true });
          await owner.refresh({ full: false, models: ['daily_user_activity'] });
          expect((await owner.test({ names })).tests).toMatchObject([
            {
              verdict: 'error',
              failures: null,
              message: expect.stringContaining('clicklake refresh') as string,
            },
            { test: 'not_null_stg_events_event_id', verdict: 'pass' },
          ]);
          await refresh();
          const { passed, tests } = await owner.test({ names: ['broken', 'unique_daily_aggregates_date'] });
          expect(passed).toBe(false);
          expect(tests).toMatchObject([
            { test: 'unique_daily_aggregates_date', verdict: 'pass' },
            {
              test: 'broken',
              verdict: 'error',
              message: expect.stringContaining('no_such_column') as string,
            },
          ]);
          expect(await owner.failingTests()).toMatchObject([{ test: 'broken', verdict: 'error' }]);
          await rm(join(modelsDirectory, 'tests/broken.sql'));
          await owner.test({ names: ['unique_daily_aggregates_date'] });
          // A test that the project no longer has can never pass.
          expect(await owner.failingTests()).toEqual([]);
        },
        undefined,
        { modelsDirectory },
      );
    },
  );
});

test('tables that a half-done refresh left at different versions of Silver are named, and no test fails for that', async () => {
  await onALake(async ({ send, refresh, owner }) => {
    await send([visit('ann', 10, { type: 'product_view', product: 'laptop' })]);
    const { silverVersion: before } = await refresh();
    await send([
      visit('ben', 20, { type: 'product_view', product: 'laptop' }),
      visit('ben', 21, { type: 'purchase', product: 'laptop' }),
    ]);
    const { silverVersion: after } = await owner.refresh({ full: false, models: ['product_performance'] });
    expect(after).toBeGreaterThan(before);
    const report = await owner.test(all);
    expect(report).toMatchObject({ silverVersion: after, goldAgrees: false, passed: false });
    expect(Object.fromEntries(report.gold.map(({ table, silverVersion }) => [table, silverVersion]))).toEqual(
      {
        user_session_metrics: before,
        daily_user_activity: before,
        product_performance: after,
        product_conversion_rates: null,
        daily_aggregates: before,
      },
    );
    const notPassing = report.tests.filter(({ verdict }) => verdict !== 'pass');
    expect(notPassing.map(({ test: name }) => name)).toEqual(
      expect.arrayContaining(['every_event_counts_once', 'rates_follow_performance']),
    );
    for (const { verdict, message } of notPassing)
      expect({ verdict, message }).toEqual({
        verdict: 'error',
        message: expect.stringContaining('stands for different versions of Silver') as string,
      });

    // Neither commits of Silver that change no row nor a table made anew of the same events make a difference.
    await refresh();
    await owner.optimize('silver', {});
    await owner.refresh({ full: true, models: ['product_performance'] });
    const again = await owner.test(all);
    expect(notPassed(again)).toEqual([]);
    expect(again).toMatchObject({ goldAgrees: true, passed: true });
    expect(new Set(again.gold.map(({ silverVersion }) => silverVersion))).toEqual(new Set([after + 1]));
  });
});

test('names what is neither a test nor a model', async () => {
  await onALake(async ({ send, owner }) => {
    await send([visit('ann', 10)]);
    await expect(owner.test({ names: ['nope'] })).rejects.toMatchObject({
      code: 'model-unknown-reference',
      message: expect.stringContaining('nope') as string,
    });
  });
});

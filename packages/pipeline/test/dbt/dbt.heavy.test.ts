import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localStore, openTable, quoteLiteral, scanSql, type DeltaTable } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import {
  compileModel,
  compileQuery,
  loadProject,
  type LakeOwner,
  type ModelProject,
  type RefreshPlan,
} from '@clicklake/pipeline';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';
import { everything } from '../refresh/gold-bench.ts';
import {
  createDbtProject,
  varsFlags,
  type DbtAnswer,
  type DbtProject,
  type DbtResult,
} from './dbt-project.ts';
import { shopRecords } from './shop-records.ts';

/*
 * Real dbt (dbt-core, dbt-duckdb) on the Silver that our ingest made: the same text, the same rows, the same verdicts.
 * The tests go on from each other, since each start of dbt costs seconds.
 */

let lake: TestLake;
let owner: LakeOwner;
let dbt: DbtProject;
let project: ModelProject;
let duckdb: DuckDBInstance;
let connection: DuckDBConnection;
/** Of the incremental run. */
let plan: RefreshPlan;

beforeAll(async () => {
  dbt = await createDbtProject();
  project = await loadProject(dbt.directory);
  lake = await createTestLake();
  owner = await lake.open({ modelsDirectory: dbt.directory });
  duckdb = await DuckDBInstance.create(':memory:');
  connection = await duckdb.connect();
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(async () => {
  connection.closeSync();
  duckdb.closeSync();
  await owner.close();
  await lake.remove();
  await dbt.remove();
});

const tables = (): readonly string[] =>
  [...project.models.values()].flatMap(({ name, materialized }) => (materialized === 'view' ? [] : [name]));

async function send(records: Parameters<TestLake['append']>[0]): Promise<void> {
  await lake.append(records, 500);
  await owner.catchUp(() => undefined);
}

/** Models, tests and analyses: of exposures dbt says that there is nothing to do. */
function resultsOf(answers: readonly DbtAnswer[]): readonly DbtResult[] {
  return answers.flatMap(({ results }) => results.filter(({ kind }) => kind !== 'exposure'));
}

/** What dbt compiled of each node. Round generic tests dbt leaves empty lines, which say nothing. */
function compiledBy(answers: readonly DbtAnswer[]): ReadonlyMap<string, string> {
  return new Map(
    resultsOf(answers).map(({ name, kind, compiled }) => {
      const text = compiled ?? '';
      return [name, kind === 'test' ? text.trim() : text];
    }),
  );
}

function statuses(answers: readonly DbtAnswer[]): (readonly unknown[])[] {
  return resultsOf(answers).map(({ name, status, failures }) => [name, status, failures]);
}

async function goldTable(name: string): Promise<DeltaTable> {
  return openTable(localStore(join(lake.paths.gold, name), nodeFileSystem), { duckdb });
}

/** Runs a statement for each Gold table, with dbt's database attached and the SQL of our rows. */
async function withBoth(work: (name: string, ours: string) => Promise<void>, readOnly = true): Promise<void> {
  await connection.run(`ATTACH ${quoteLiteral(dbt.database)} AS dbt ${readOnly ? '(READ_ONLY)' : ''}`);
  try {
    for (const name of tables()) {
      const table = await goldTable(name);
      await work(name, scanSql(table.store, await table.snapshot()));
      await table.close();
    }
  } finally {
    await connection.run('DETACH dbt');
  }
}

async function countOf(select: string): Promise<number> {
  const found = await connection.runAndReadAll(`SELECT count(*) FROM (${select})`);
  return Number(found.getRows()[0]?.[0]);
}

async function expectSameRows(): Promise<void> {
  await withBoth(async (name, ours) => {
    const columns =
      project.models
        .get(name)
        ?.columns.map((column) => `"${column.name}"`)
        .join(', ') ?? '';
    const mine = `SELECT ${columns} FROM (${ours})`;
    const theirs = `SELECT ${columns} FROM dbt.gold.${name}`;
    expect({
      name,
      rows: await countOf(mine),
      onlyMine: await countOf(`${mine} EXCEPT ALL ${theirs}`),
      onlyTheirs: await countOf(`${theirs} EXCEPT ALL ${mine}`),
    }).toEqual({ name, rows: await countOf(theirs), onlyMine: 0, onlyTheirs: 0 });
    expect(await countOf(mine)).toBeGreaterThan(0);
  });
}

test('the project is parsed without a warning', async () => {
  const [parsed] = await dbt.run(lake.paths.tables.silver, ['--warn-error', 'parse', '--no-partial-parse']);
  expect(parsed?.success).toBe(true);
});

test('after a full refresh: the same text of every model and test, the same rows, every test passes', async () => {
  await send(shopRecords({ prefix: 'first', events: 3000, seed: 1, fromDay: 0, days: 6 }));
  await owner.refresh({ ...everything, full: true });
  const answers = await dbt.run(lake.paths.tables.silver, ['--warn-error', 'build', '--full-refresh']);
  expect(statuses(answers).filter(([, status]) => status !== 'success' && status !== 'pass')).toEqual([]);
  const theirs = compiledBy(answers);
  const full = { incremental: false, vars: {} };
  const ours = new Map([
    ...[...project.models.keys()].map(
      (name) => [name, compileModel(project, name, dbt.target, full)] as const,
    ),
    ...project.tests.map(
      ({ name, template }) => [name, compileQuery(project, template, dbt.target)] as const,
    ),
  ]);
  expect([...theirs.keys()].sort()).toEqual([...ours.keys()].sort());
  for (const [name, text] of ours) expect({ name, text: theirs.get(name) }).toEqual({ name, text });
  await expectSameRows();
  const report = await owner.test({ names: [] });
  expect(report.passed).toBe(true);
  expect(report.tests.length).toBe(project.tests.length);
});

test('after an incremental run with the variables of the plan: the same text and the same rows', async () => {
  // Late events on two of the old dates, and new dates, sessions across midnight among them.
  await send(shopRecords({ prefix: 'late', events: 60, seed: 2, fromDay: 2, days: 2 }));
  await send(shopRecords({ prefix: 'new', events: 400, seed: 3, fromDay: 6, days: 2 }));
  // As a user gets it, through JSON.
  plan = JSON.parse(JSON.stringify(await owner.planRefresh(everything))) as RefreshPlan;
  expect(plan.steps.map(({ mode }) => mode)).toEqual(tables().map(() => 'dates'));
  expect(plan.steps.find(({ model }) => model === 'user_session_metrics')?.vars.changed_offsets).toHaveLength(
    3,
  );
  const analyses = [...project.analyses.keys()];
  const answers = await dbt.run(
    lake.paths.tables.silver,
    ...plan.steps.map(({ model, vars }) => ['run', '--select', model, ...varsFlags(vars)] as const),
    ...analyses.map(
      (name) => ['compile', '--select', name, ...varsFlags(plan.steps[0]?.vars ?? {})] as const,
    ),
  );
  expect(answers.map(({ success }) => success)).toEqual(answers.map(() => true));
  const theirs = compiledBy(answers);
  for (const { model, vars } of plan.steps) {
    const text = compileModel(project, model, dbt.target, { incremental: true, vars });
    expect({ model, text: theirs.get(model) }).toEqual({ model, text });
  }
  for (const name of analyses) {
    const analysis = project.analyses.get(name);
    expect(analysis && compileQuery(project, analysis, dbt.target, plan.steps[0]?.vars)).toBe(
      theirs.get(name),
    );
  }
  await owner.refresh(everything);
  await expectSameRows();
});

test('the same incremental run once more changes no row, and what only our runner may say is the same text, too', async () => {
  const again = await dbt.run(
    lake.paths.tables.silver,
    ...plan.steps.map(({ model, vars }) => ['run', '--select', model, ...varsFlags(vars)] as const),
  );
  expect(again.map(({ success }) => success)).toEqual(plan.steps.map(() => true));
  await expectSameRows();
  const executed = plan.steps.map(({ model, vars }) => ({
    model,
    vars: { ...vars, runs_once: true, takes_over: false },
  }));
  const compiled = await dbt.run(
    lake.paths.tables.silver,
    ...executed.map(({ model, vars }) => ['compile', '--select', model, ...varsFlags(vars)] as const),
  );
  const theirs = compiledBy(compiled);
  for (const { model, vars } of executed)
    expect({ model, text: theirs.get(model) }).toEqual({
      model,
      text: compileModel(project, model, dbt.target, { incremental: true, vars }),
    });
});

test('where rows are wrong: the same verdicts, and as many failing rows', async () => {
  const silver = await lake.tables();
  const rows = scanSql(silver.tables.silver.store, await silver.tables.silver.snapshot());
  const one = `SELECT * FROM (${rows}) WHERE user_id = 'user-1' AND event_date = DATE '2026-05-11' LIMIT 1`;
  await silver.tables.silver.append(
    `SELECT * REPLACE ('wrong-1' AS event_id, 'wink' AS event_type) FROM (${one})
     UNION ALL SELECT * REPLACE (CAST(NULL AS VARCHAR) AS event_id) FROM (${one})
     UNION ALL SELECT * REPLACE ('wrong-3' AS event_id, CAST(NULL AS VARCHAR) AS user_id, CAST(NULL AS VARCHAR) AS anonymous_id) FROM (${one})`,
  );
  await silver.close();
  await owner.refresh(everything);
  const changes: Readonly<Record<string, string>> = {
    daily_aggregates: 'SELECT * FROM mine WHERE date = (SELECT min(date) FROM mine)',
    product_performance: 'SELECT * FROM mine LIMIT 1',
    product_conversion_rates: `SELECT * REPLACE ('unheard of' AS product_id) FROM mine LIMIT 2`,
    user_session_metrics: `SELECT * REPLACE (ended_at + INTERVAL 30 HOUR AS ended_at) FROM mine LIMIT 3`,
    daily_user_activity: `SELECT * REPLACE (CAST(NULL AS BIGINT) AS purchases) FROM mine LIMIT 4`,
  };
  for (const [name, select] of Object.entries(changes)) {
    const table = await goldTable(name);
    await table.append(`WITH mine AS (${scanSql(table.store, await table.snapshot())}) ${select}`);
    await table.close();
  }
  await writeFile(
    join(dbt.directory, 'tests', 'busy_days.sql'),
    `{{ config(severity='warn') }}\nselect date from {{ ref('daily_aggregates') }} where users > 1`,
  );
  await writeFile(
    join(dbt.directory, 'tests', 'few_are_allowed.sql'),
    `{{ config(error_if='> 1000') }}\nselect date from {{ ref('daily_aggregates') }} where users > 1`,
  );
  await writeFile(
    join(dbt.directory, 'tests', 'cannot_be_run.sql'),
    `select no_such_column from {{ ref('daily_aggregates') }}`,
  );
  await withBoth(async (name, ours) => {
    await connection.run(`CREATE OR REPLACE TABLE dbt.gold.${name} AS ${ours}`);
  }, false);
  const answers = await dbt.run(lake.paths.tables.silver, ['test']);
  const { tests, passed } = await owner.test({ names: [] });
  expect(passed).toBe(false);
  const mine = tests.map(({ test: name, verdict, failures }) => [name, verdict, failures]);
  expect(mine.sort()).toEqual(statuses(answers).sort());
  const verdicts = new Map(tests.map(({ test: name, verdict }) => [name, verdict]));
  expect([...verdicts].filter(([, verdict]) => verdict !== 'pass')).toEqual(
    expect.arrayContaining([
      ['accepted_values_stg_events_event_type', 'fail'],
      ['not_null_stg_events_event_id', 'fail'],
      ['not_null_stg_events_user_id', 'fail'],
      ['not_null_daily_user_activity_purchases', 'fail'],
      ['unique_daily_aggregates_date', 'fail'],
      ['relationships_product_conversion_rates_product_id', 'fail'],
      ['one_row_for_each_product_and_date', 'fail'],
      ['sessions_last_less_than_a_day', 'fail'],
      ['every_event_counts_once', 'fail'],
      ['busy_days', 'warn'],
      ['few_are_allowed', 'warn'],
      ['cannot_be_run', 'error'],
    ]),
  );
});

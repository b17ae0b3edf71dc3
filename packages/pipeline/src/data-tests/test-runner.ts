import type { Engine, EngineSession } from '../engine/engine.ts';
import { compileModel, compileQuery, ModelError, type DataTest, type ModelProject } from '../models/index.ts';
import { PipelineError } from '../pipeline-error.ts';
import { targetOf } from '../refresh/silver-source.ts';
import { seenInputs } from '../refresh/refresh-transactions.ts';
import { writtenTables } from '../refresh/refresher.ts';
import { silverOf, silverSource } from '../refresh/silver-source.ts';
import { goldStanding, incomparable, tablesStanding, type GoldStanding } from './gold-standing.ts';
import { failingRows, keptRows, testFailures, type FoundFailures } from './test-failures.ts';
import {
  isPassed,
  verdictOf,
  type TestProgress,
  type TestReport,
  type TestRequest,
  type TestResult,
} from './test-report.ts';

export interface TestRunnerOptions {
  readonly engine: Engine;
  readonly project: ModelProject;
  readonly clock: () => number;
}

const runAppId = 'clicklake-data-tests';

/**
 * Runs a project's data tests on Gold and on the Silver that Gold stands for, and stores what they found in
 * `test_failures`, in one commit.
 *
 * @throws PipelineError `refresh-no-silver`, `tests-no-gold`, `tests-silver-gone`; ModelError `model-unknown-reference` for a name that
 *   is neither a test nor a model.
 */
export async function runDataTests(
  { engine, project, clock }: TestRunnerOptions,
  request: TestRequest,
  onProgress: (progress: TestProgress) => void = () => undefined,
  signal?: AbortSignal,
): Promise<TestReport> {
  const chosen = chosenTests(project, request);
  const session = await engine.openSession([...writtenTables(project), testFailures]);
  try {
    requireGold(session, project, chosen);
    const silverVersion = await pinWhatGoldStandsFor(session, project);
    await nameViews(session, engine, project);
    const standing = await goldStanding(session, project, silverVersion);
    const gold = tablesStanding(project, standing);
    const found: FoundFailures[] = [];
    const results: TestResult[] = [];
    for (const test of chosen) {
      signal?.throwIfAborted();
      onProgress({ test: test.name, done: results.length, total: chosen.length });
      const one = await runOne(session, engine, project, test, standing);
      results.push(one.result);
      if (one.result.verdict !== 'pass') found.push(one);
    }
    await store(session, project, results, found, {
      testedAt: new Date(clock()).toISOString(),
      silverVersion,
    });
    return {
      silverVersion,
      gold,
      goldAgrees: gold.every((table) => table.silverVersion === silverVersion),
      passed: isPassed(results),
      tests: results,
    };
  } finally {
    await session.close();
  }
}

/** One table that is missing is a test's error; all of them are no reason to tell it once for every test. */
function requireGold(session: EngineSession, project: ModelProject, chosen: readonly DataTest[]): void {
  const isMade = (name: string): boolean => project.models.get(name)?.materialized === 'incremental';
  if (writtenTables(project).some(({ name }) => session.table('model', name) !== undefined)) return;
  if (!chosen.some(({ models }) => models.some(isMade))) return;
  throw new PipelineError({
    code: 'tests-no-gold',
    message: 'There is no Gold table to test yet.',
    hint: 'Make them with `clicklake refresh`, and test again.',
  });
}

/** Silver goes on while Gold stands still: what is compared has to be of one version. */
async function pinWhatGoldStandsFor(session: EngineSession, project: ModelProject): Promise<number> {
  const newest = silverOf(session).version;
  const seen = writtenTables(project).flatMap(({ name }) => {
    const table = session.table('model', name);
    return table === undefined ? [] : [...seenInputs(table, [silverSource]).versions.values()];
  });
  if (seen.length === 0) return newest;
  const version = Math.max(...seen);
  if (version < newest && !(await session.showSourceAt(silverSource, version)))
    throw new PipelineError({
      code: 'tests-silver-gone',
      message: `Gold stands for version ${version} of Silver, whose log entries are gone.`,
      hint: 'Bring Gold up to date with `clicklake refresh`, and test again.',
    });
  return Math.min(version, newest);
}

async function nameViews(session: EngineSession, engine: Engine, project: ModelProject): Promise<void> {
  const target = targetOf(engine.dialect, session);
  for (const { name, materialized } of project.models.values()) {
    if (materialized !== 'view') continue;
    const select = compileModel(project, name, target, { incremental: false, vars: {} });
    await session.createView(name, select);
  }
}

async function runOne(
  session: EngineSession,
  engine: Engine,
  project: ModelProject,
  test: DataTest,
  standing: GoldStanding,
): Promise<FoundFailures> {
  const startedAt = performance.now();
  const { name, kind, model, column, config } = test;
  const about = { test: name, kind, model, column };
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  try {
    const missing = test.models.find(
      (needed) =>
        project.models.get(needed)?.materialized === 'incremental' &&
        session.table('model', needed) === undefined,
    );
    if (missing !== undefined)
      throw new Error(`There is no table ${missing} yet: run \`clicklake refresh\`.`);
    const query = compileQuery(project, test.template, targetOf(engine.dialect, session));
    const [row] = await session.query(judgingQuery(query, config.warnIf, config.errorIf));
    const verdict = verdictOf(config.severity, {
      shouldWarn: row?.should_warn === true,
      shouldError: row?.should_error === true,
    });
    // What was made of different events need not agree: that would be nobody's failure.
    const reason = verdict === 'pass' ? undefined : incomparable(test, standing);
    if (reason !== undefined) throw new Error(reason);
    const failures = Number(row?.failures);
    return { result: { ...about, verdict, failures, message: null, durationMs: elapsed() }, query };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return {
      result: { ...about, verdict: 'error', failures: null, message, durationMs: elapsed() },
      query: null,
    };
  }
}

/** dbt's own (`get_test_sql`). */
function judgingQuery(query: string, warnIf: string, errorIf: string): string {
  return `select
  count(*) as failures,
  count(*) ${warnIf} as should_warn,
  count(*) ${errorIf} as should_error
from (
${query}
) dbt_internal_test`;
}

/** Rows of tests that were run now, and of tests that the project no longer has, make way. */
async function store(
  session: EngineSession,
  project: ModelProject,
  results: readonly TestResult[],
  found: readonly FoundFailures[],
  at: { readonly testedAt: string; readonly silverVersion: number },
): Promise<void> {
  const before = session.table('model', testFailures.name);
  const stored = before === undefined ? [] : await storedTests(session);
  const ran = new Set(results.map(({ test }) => test));
  const known = new Set(project.tests.map(({ name }) => name));
  const kept = stored.filter((name) => known.has(name) && !ran.has(name));
  if (before !== undefined && found.length === 0 && kept.length === stored.length) return;
  const run = before?.transactions.get(runAppId);
  const selects = found.map((one) => failingRows(session, one, at));
  if (kept.length > 0) selects.push(keptRows(session, kept));
  if (selects.length === 0) selects.push(keptRowsOfNone(session, at));
  await session.replaceDates({
    table: testFailures.name,
    selects,
    dates: 'all',
    transactions: [{ appId: runAppId, version: (run ?? 0n) + 1n }],
    expected: new Map([[runAppId, run]]),
  });
}

/** The table without a row. */
function keptRowsOfNone(
  session: EngineSession,
  at: { readonly testedAt: string; readonly silverVersion: number },
): string {
  const result: TestResult = {
    test: '',
    kind: '',
    model: null,
    column: null,
    verdict: 'error',
    failures: null,
    message: null,
    durationMs: 0,
  };
  return `select * from (${failingRows(session, { result, query: null }, at)}) as nothing where 1 = 0`;
}

async function storedTests(session: EngineSession): Promise<readonly string[]> {
  const rows = await session.query(
    `select distinct test from ${session.relation('model', testFailures.name)}`,
  );
  return rows.map(({ test }) => String(test));
}

function chosenTests(project: ModelProject, { names }: TestRequest): readonly DataTest[] {
  const unknown = names.find(
    (name) => !project.models.has(name) && !project.tests.some((test) => test.name === name),
  );
  if (unknown !== undefined)
    throw new ModelError({
      code: 'model-unknown-reference',
      message: `There is neither a test nor a model called ${unknown}.`,
      hint: `Models are ${[...project.models.keys()].join(', ')}; \`clicklake test\` without a name lists all tests.`,
    });
  if (names.length === 0) return project.tests;
  return project.tests.filter(({ name, models }) => [name, ...models].some((one) => names.includes(one)));
}

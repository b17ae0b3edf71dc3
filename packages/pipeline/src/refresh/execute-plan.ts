import type { CrashPoints } from '@clicklake/durable-files';
import type { Engine, EngineSession, PinnedTable } from '../engine/engine.ts';
import {
  allBuckets,
  compileModel,
  compileQuery,
  type Model,
  type ModelProject,
  type RunVariables,
} from '../models/index.ts';
import { inOrderOfInputs } from './in-order-of-inputs.ts';
import { analysisOf, narrowViews, readsFewRows, rowsOfAll } from './new-rows.ts';
import { inputsOf } from './plan-refresh.ts';
import type { PlannedStep, RefreshPlan } from './refresh-plan.ts';
import type { RefreshLimits } from './refresh-limits.ts';
import { refreshTransactions } from './refresh-transactions.ts';
import { inputDatesOf, inputOf, silverOf, silverSource, targetOf } from './silver-source.ts';

export interface RefreshedModel {
  readonly model: string;
  readonly mode: PlannedStep['mode'];
  readonly reason: string;
  readonly dates: readonly string[];
  /** Null when there was nothing to do. */
  readonly version: number | null;
  readonly rows: number;
  readonly bytes: number;
  readonly durationMs: number;
}

export interface Execution {
  readonly session: EngineSession;
  readonly project: ModelProject;
  readonly dialect: Engine['dialect'];
  readonly crashPoints: CrashPoints;
  readonly limits: RefreshLimits;
}

/**
 * Makes what a plan says, each model in one commit: in the plan's order, or steps of few rows side by side, each as
 * soon as what it is made from is there.
 *
 * @param made models that need no making any more; those that are made are added.
 * @param onBegin told of each model before it is made; may throw to end it there.
 */
export async function executePlan(
  execution: Execution,
  { steps }: RefreshPlan,
  made: Map<string, RefreshedModel>,
  onBegin: (model: string) => void,
): Promise<readonly RefreshedModel[]> {
  const { session, project, dialect, crashPoints, limits } = execution;
  const few = rowsOfAll(steps, limits.mostNewRows);
  const isFew = (step: PlannedStep): boolean => readsFewRows(step, limits.mostNewRows);
  const inputs = (step: PlannedStep): readonly string[] => inputsOf(project, modelOf(project, step.model));
  const readsMany = (step: PlannedStep): boolean =>
    step.mode !== 'nothing' && !isFew(step) && inputs(step).includes(silverSource);

  async function make(step: PlannedStep): Promise<RefreshedModel> {
    const known = made.get(step.model);
    if (known !== undefined) return known;
    onBegin(step.model);
    const model = await execute(execution, step);
    made.set(step.model, model);
    crashPoints.reach('refresh-after-model');
    return model;
  }

  if (few !== null && !steps.some(readsMany)) {
    await narrowViews(session, project, dialect, few);
    const ordered = steps.map((step) => ({ step, name: step.model, inputs: inputs(step) }));
    return await inOrderOfInputs(ordered, limits.stepsAtOnce, ({ step }) => make(step));
  }
  const models: RefreshedModel[] = [];
  for (const step of steps) {
    if (isFew(step) || readsMany(step))
      await narrowViews(session, project, dialect, isFew(step) ? few : null);
    models.push(await make(step));
  }
  return models;
}

async function execute(
  { session, project, dialect, limits }: Execution,
  step: PlannedStep,
): Promise<RefreshedModel> {
  const startedAt = performance.now();
  const { mode, reason, dates } = step;
  const nothing = { model: step.model, mode, reason, dates, version: null, rows: 0, bytes: 0 };
  if (mode === 'nothing') return { ...nothing, durationMs: 0 };
  const model = modelOf(project, step.model);
  const transactions = refreshTransactions(
    currentVersions(session, inputsOf(project, model)),
    silverOf(session),
    model.fingerprint,
  );
  const seen = session.table('model', model.name)?.transactions ?? new Map<string, bigint>();
  const target = targetOf(dialect, session);
  // Where only few users' rows differ, the others stay where they are.
  const replacing =
    model.replaces === null || !readsFewRows(step, limits.mostNewRows)
      ? undefined
      : compileQuery(project, analysisOf(project, model.replaces), target, step.vars);
  const selects = pieces(step, model, inputRows(session, inputsOf(project, model)), limits.rowsPerPiece).map(
    ({ incremental, vars }) =>
      compileModel(project, model.name, target, {
        incremental,
        // The commit's `txn`s see to it, also after a crash.
        vars: { ...vars, runs_once: true, ...(replacing === undefined ? {} : { takes_over: false }) },
      }),
  );
  const { version, rows, bytes } = await session.replaceDates({
    table: model.name,
    selects,
    dates: mode === 'full' ? 'all' : dates,
    transactions,
    expected: new Map(transactions.map(({ appId }) => [appId, seen.get(appId)] as const)),
    ...(mode === 'full' ? {} : { inputDates: inputDatesOf(dates) }),
    ...(replacing === undefined ? {} : { replacing }),
    onlyNewRows: mode === 'dates' && step.vars.changed_offsets != null,
  });
  return { ...nothing, version, rows, bytes, durationMs: Math.round(performance.now() - startedAt) };
}

interface Piece {
  readonly incremental: boolean;
  readonly vars: RunVariables;
}

/**
 * What a step's SELECTs are compiled with. A model of sessions is made in buckets of the users. Another one, when all
 * rows of its dates are made anew, in groups of dates, as a run for touched dates makes them, and a date that has too
 * many rows by itself in buckets.
 */
function pieces(
  { mode, vars, dates, pieces: buckets }: PlannedStep,
  model: Model,
  rowsByDate: PinnedTable['rowsByDate'],
  rowsPerPiece: number,
): readonly Piece[] {
  const all: Piece = { incremental: mode === 'dates', vars };
  if (model.widenedBy !== null) return inBuckets(all, buckets);
  if (vars.changed_offsets != null) return [all];
  const groups = groupDates(dates, rowsByDate, rowsPerPiece);
  return groups.flatMap((group) => {
    const rows = group.reduce((sum, date) => sum + (rowsByDate.get(date) ?? 0), 0);
    const piece = groups.length === 1 ? all : { incremental: true, vars: { ...vars, touched_dates: group } };
    return inBuckets(piece, model.inBuckets ? Math.ceil(rows / rowsPerPiece) : 1);
  });
}

function inBuckets({ incremental, vars }: Piece, of: number): readonly Piece[] {
  return allBuckets(of).map((bucket) => ({
    incremental,
    vars: bucket === null ? vars : { ...vars, bucket },
  }));
}

function groupDates(
  dates: readonly string[],
  rowsByDate: PinnedTable['rowsByDate'],
  rowsPerPiece: number,
): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let rows = Infinity;
  for (const date of dates) {
    const more = rowsByDate.get(date) ?? 0;
    if (rows + more > rowsPerPiece) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(date);
    rows += more;
  }
  return groups;
}

/** How many rows the models' inputs have on each date, all together. */
function inputRows(session: EngineSession, inputs: readonly string[]): PinnedTable['rowsByDate'] {
  const rows = new Map<string, number>();
  for (const name of inputs)
    for (const [date, count] of inputOf(session, name)?.rowsByDate ?? [])
      rows.set(date, (rows.get(date) ?? 0) + count);
  return rows;
}

function modelOf(project: ModelProject, name: string): Model {
  const model = project.models.get(name);
  if (model === undefined) throw new TypeError(`no model ${name}`);
  return model;
}

/** Versions that the rows now made stand for: upstream models have been committed by this very refresh. */
function currentVersions(session: EngineSession, inputs: readonly string[]): ReadonlyMap<string, number> {
  return new Map(inputs.map((name) => [name, inputOf(session, name)?.version ?? 0]));
}

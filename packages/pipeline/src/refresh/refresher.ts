import type { CrashPoints } from '@clicklake/durable-files';
import type { Engine, EngineSession, PinnedTable, WrittenTable } from '../engine/engine.ts';
import {
  compileModel,
  compileQuery,
  type Model,
  type ModelProject,
  type RunVariables,
} from '../models/index.ts';
import { analysisOf, narrowViews, readsFewRows, rowsOfAll, defaultRowsPerPiece } from './new-rows.ts';
import { inputsOf, planRefresh, type RefreshRequest } from './plan-refresh.ts';
import type { PlannedStep, RefreshPlan } from './refresh-plan.ts';
import { inOrderOfInputs } from './in-order-of-inputs.ts';
import { refreshTransactions } from './refresh-transactions.ts';
import { inputDatesOf, inputOf, silverOf, silverSource, targetOf } from './silver-source.ts';

export interface RefreshOptions {
  readonly engine: Engine;
  readonly project: ModelProject;
  readonly crashPoints: CrashPoints;
  /** More rows of Silver than this are taken up in pieces, so that each fits the engine's memory. */
  readonly rowsPerPiece?: number;
}

export interface RefreshResult {
  readonly silverVersion: number;
  readonly models: readonly RefreshedModel[];
}

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

/** Models made side by side: more would take the processors from ingest. */
const stepsAtOnce = 2;

export interface RefreshProgress {
  readonly model: string;
  readonly done: number;
  readonly total: number;
}

export interface Refresher {
  plan(request: RefreshRequest): Promise<RefreshPlan>;
  /** Plans and executes. What a run before has committed is passed over. */
  refresh(
    request: RefreshRequest,
    onProgress?: (progress: RefreshProgress) => void,
    signal?: AbortSignal,
  ): Promise<RefreshResult>;
}

/** Makes Gold from Silver: each model's dates that have changed, in one commit for each model (S7). */
export function createRefresher({
  engine,
  project,
  crashPoints,
  rowsPerPiece = defaultRowsPerPiece,
}: RefreshOptions): Refresher {
  const tables = writtenTables(project);

  async function inSession<Result>(work: (session: EngineSession) => Promise<Result>): Promise<Result> {
    const session = await engine.openSession(tables);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  return {
    plan: (request) =>
      inSession((session) => planRefresh(session, project, engine.dialect, request, rowsPerPiece)),
    refresh: (request, onProgress = () => undefined, signal) =>
      inSession(async (session) => {
        const plan = await planRefresh(session, project, engine.dialect, request, rowsPerPiece);
        crashPoints.reach('refresh-planned');
        const models = await executeAll(session, plan, (done, model) => {
          signal?.throwIfAborted();
          onProgress({ model, done, total: plan.steps.length });
        });
        return { silverVersion: plan.silverVersion, models };
      }),
  };

  /** In the order of the plan; steps of few rows side by side, each as soon as what it is made from is there. */
  async function executeAll(
    session: EngineSession,
    { steps }: RefreshPlan,
    onBegin: (done: number, model: string) => void,
  ): Promise<readonly RefreshedModel[]> {
    const few = rowsOfAll(steps, rowsPerPiece);
    const isFew = (step: PlannedStep): boolean => readsFewRows(step, rowsPerPiece);
    let done = 0;
    const make = async (step: PlannedStep): Promise<RefreshedModel> => {
      onBegin(done, step.model);
      const made = await execute(session, step);
      done += 1;
      crashPoints.reach('refresh-after-model');
      return made;
    };
    if (few !== null && steps.every((step) => step.mode === 'nothing' || isFew(step))) {
      await narrowViews(session, project, engine.dialect, few);
      return await inOrderOfInputs(
        steps.map((step) => ({
          ...step,
          name: step.model,
          inputs: inputsOf(project, modelOf(project, step.model)),
        })),
        stepsAtOnce,
        make,
      );
    }
    const models: RefreshedModel[] = [];
    for (const step of steps) {
      const readsSilver = inputsOf(project, modelOf(project, step.model)).includes(silverSource);
      if (isFew(step) || (step.mode !== 'nothing' && readsSilver))
        await narrowViews(session, project, engine.dialect, isFew(step) ? few : null);
      models.push(await make(step));
    }
    return models;
  }

  async function execute(session: EngineSession, step: PlannedStep): Promise<RefreshedModel> {
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
    const target = targetOf(engine.dialect, session);
    // Where only few users' rows differ, the others stay where they are.
    const replacing =
      model.replaces === null || !readsFewRows(step, rowsPerPiece)
        ? undefined
        : compileQuery(project, analysisOf(project, model.replaces), target, step.vars);
    const selects = pieces(step, model, inputRows(session, inputsOf(project, model)), rowsPerPiece).map(
      ({ incremental, vars }) =>
        compileModel(project, model.name, target, {
          incremental,
          vars: replacing === undefined ? vars : { ...vars, takes_over: false },
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
}

/**
 * What a step's SELECTs are compiled with. A model of sessions is made in shares of the users. Another one, when all
 * rows of its dates are made anew, in groups of dates, as a run for touched dates makes them.
 */
function pieces(
  { mode, vars, dates, pieces: shares }: PlannedStep,
  model: Model,
  rowsByDate: PinnedTable['rowsByDate'],
  rowsPerPiece: number,
): readonly { readonly incremental: boolean; readonly vars: RunVariables }[] {
  const incremental = mode === 'dates';
  if (shares > 1)
    return Array.from({ length: shares }, (_, number) => ({
      incremental,
      vars: { ...vars, user_bucket: { number, of: shares } },
    }));
  const groups =
    model.widenedBy !== null || vars.changed_offsets != null
      ? [dates]
      : groupDates(dates, rowsByDate, rowsPerPiece);
  if (groups.length <= 1) return [{ incremental, vars }];
  return groups.map((group) => ({ incremental: true, vars: { ...vars, touched_dates: group } }));
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

/** The tables that a project's incremental models make. */
export function writtenTables(project: ModelProject): readonly WrittenTable[] {
  return [...project.models.values()].flatMap(({ name, description, columns, dateColumn }) =>
    dateColumn === null ? [] : [{ name, description, columns, dateColumn }],
  );
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

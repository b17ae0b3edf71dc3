import type { ChangedDates, Engine, EngineSession, PinnedTable } from '../engine/engine.ts';
import {
  allBuckets,
  compileModel,
  ModelError,
  type Model,
  type ModelProject,
  type OffsetRange,
} from '../models/index.ts';
import { appendedRows, countAppended, countOffsets, narrowViews } from './new-rows.ts';
import type { RefreshLimits } from './refresh-limits.ts';
import { decide, type InputState, type PlannedStep, type RefreshPlan } from './refresh-plan.ts';
import { modelNumber, seenInputs, type SeenInputs } from './refresh-transactions.ts';
import { widenDates } from './session-dates.ts';
import { inputOf, kindOf, silverOf, silverSource, targetOf } from './silver-source.ts';

export interface RefreshRequest {
  /** Makes every table anew. */
  readonly full: boolean;
  /** Only these models and what they are made from; empty: all. */
  readonly models: readonly string[];
}

/**
 * Says what a refresh has to do, after naming the project's views in the session.
 *
 * @throws PipelineError `refresh-no-silver`; ModelError for a project that does not compile.
 */
export async function planRefresh(
  session: EngineSession,
  project: ModelProject,
  dialect: Engine['dialect'],
  request: RefreshRequest,
  limits: RefreshLimits,
): Promise<RefreshPlan> {
  const silver = silverOf(session);
  const chosen = withUpstream(project, request.models);
  const planning = {
    session,
    project,
    dialect,
    silver,
    changed: rememberChanges(session),
    appended: rememberAppended(session, project, dialect),
    full: request.full,
    limits,
  };
  const steps = new Map<string, PlannedStep>();
  for (const model of project.models.values()) {
    if (model.materialized === 'view') {
      const select = compileModel(project, model.name, targetOf(dialect, session), {
        incremental: false,
        vars: {},
      });
      await session.createView(model.name, select);
    } else if (chosen.has(model.name)) {
      steps.set(model.name, await planModel(planning, model, steps));
    }
  }
  return { silverVersion: silver.version, steps: [...steps.values()] };
}

interface Planning {
  readonly session: EngineSession;
  readonly project: ModelProject;
  readonly dialect: Engine['dialect'];
  readonly silver: PinnedTable;
  readonly changed: (input: string, since: number) => Promise<ChangedDates | undefined>;
  readonly appended: (dates: readonly string[], ranges: readonly OffsetRange[]) => Promise<number>;
  readonly full: boolean;
  readonly limits: RefreshLimits;
}

async function planModel(
  planning: Planning,
  model: Model,
  upstream: ReadonlyMap<string, PlannedStep>,
): Promise<PlannedStep> {
  const { session, project, dialect, silver, limits } = planning;
  const { rowsPerPiece, mostNewRows } = limits;
  const inputs = inputsOf(project, model);
  const table = session.table('model', model.name);
  const seen = table === undefined ? undefined : seenInputs(table, inputs);
  const states: InputState[] = [];
  for (const name of inputs) states.push(await inputState(planning, name, seen, upstream.get(name)));
  const sameModel = seen?.model === modelNumber(model.fingerprint);
  const decision = decide({ model, exists: table !== undefined, sameModel, inputs: states }, planning.full);
  const { mode, reason } = decision;
  const step = { model: model.name, mode, reason };
  if (decision.mode === 'nothing') return { ...step, dates: [], vars: {}, pieces: 1 };
  if (decision.mode === 'full') {
    const dates = [...silver.rowsByDate.keys()];
    return {
      ...step,
      dates,
      vars: {},
      pieces: model.widenedBy === null ? 1 : piecesOf(silver, dates, rowsPerPiece),
    };
  }
  const touched = decision.dates;
  const offsets = seen === undefined ? null : await newRows(planning, seen, states);
  const isMuch = offsets === null || countOffsets(offsets) > mostNewRows;
  if (model.widenedBy === null) {
    // Of that many new rows nearly every row made of the dates is another: looking for those would outgrow the memory.
    const vars = { touched_dates: touched, changed_offsets: isMuch ? null : offsets };
    return { ...step, dates: touched, vars, pieces: 1 };
  }
  const vars = { touched_dates: touched, changed_offsets: offsets };
  const dates = await widenDates(
    session,
    project,
    model.widenedBy,
    targetOf(dialect, session),
    vars,
    (looked) => narrowViews(session, project, dialect, isMuch ? null : { dates: looked, offsets }),
    (looked) => allBuckets(isMuch ? piecesOf(silver, looked, rowsPerPiece) : 1),
  );
  return {
    ...step,
    dates,
    vars: { ...vars, session_dates: dates },
    pieces: isMuch ? piecesOf(silver, dates, rowsPerPiece) : 1,
  };
}

/**
 * The rows appended to Silver since a model was made, when nothing else can have changed a row of its inputs: Silver
 * has had rows appended and as many as the offsets tell, and tables between were changed for the users of new rows
 * only. Null: any row may be another.
 */
async function newRows(
  { silver, appended }: Planning,
  seen: SeenInputs,
  states: readonly InputState[],
): Promise<readonly OffsetRange[] | null> {
  const source = states.find(({ name }) => name === silverSource);
  if (source?.changes?.removed !== false) return null;
  for (const { name, changes, step } of states) {
    if (name === silverSource) continue;
    const willAddOnly = step === undefined || step.mode === 'nothing' || step.vars.changed_offsets != null;
    if (changes?.onlyNewRows !== true || !willAddOnly) return null;
  }
  const offsets = appendedRows(seen, silver);
  if (offsets === null) return null;
  const { dates, addedRows } = source.changes;
  return (await appended(dates, offsets)) === addedRows ? offsets : null;
}

/** Most models have seen the same version of Silver: its log entries since then are read once. */
function rememberChanges(session: EngineSession): Planning['changed'] {
  const known = new Map<string, Promise<ChangedDates | undefined>>();
  return (input, since) => {
    const key = `${input} ${since}`;
    const found = known.get(key) ?? session.changedDates(kindOf(input), input, since);
    known.set(key, found);
    return found;
  };
}

function piecesOf(silver: PinnedTable, dates: readonly string[], rowsPerPiece: number): number {
  const rows = dates.reduce((sum, date) => sum + (silver.rowsByDate.get(date) ?? 0), 0);
  return Math.max(1, Math.ceil(rows / rowsPerPiece));
}

async function inputState(
  { session, changed }: Planning,
  name: string,
  seen: SeenInputs | undefined,
  step: PlannedStep | undefined,
): Promise<InputState> {
  const version = seen?.versions.get(name);
  return {
    name,
    seen: version,
    current: inputOf(session, name)?.version,
    changes: version === undefined ? undefined : await changed(name, version),
    step,
  };
}

/** Tables that a model's rows depend on: views are looked through. */
export function inputsOf(project: ModelProject, model: Model): readonly string[] {
  const inputs = new Set<string>();
  for (const { kind, name } of model.dependsOn) {
    const upstream = kind === 'model' ? project.models.get(name) : undefined;
    if (upstream?.materialized === 'view') {
      for (const input of inputsOf(project, upstream)) inputs.add(input);
    } else inputs.add(name);
  }
  return [...inputs];
}

function withUpstream(project: ModelProject, names: readonly string[]): ReadonlySet<string> {
  const chosen = new Set<string>();
  const add = (name: string): void => {
    const model = project.models.get(name);
    if (model === undefined || model.materialized === 'view') return;
    chosen.add(name);
    for (const input of inputsOf(project, model)) add(input);
  };
  for (const name of names) {
    if (project.models.get(name)?.materialized !== 'incremental')
      throw new ModelError({
        code: 'model-unknown-reference',
        message: `There is no model ${name} that makes a table.`,
        hint: `These do: ${tableModels(project).join(', ')}.`,
      });
    add(name);
  }
  if (names.length === 0) for (const name of tableModels(project)) add(name);
  return chosen;
}

function tableModels(project: ModelProject): readonly string[] {
  return [...project.models.values()].flatMap(({ name, materialized }) =>
    materialized === 'incremental' ? [name] : [],
  );
}

/** Most models have seen the same rows: those appended since then are counted once. */
function rememberAppended(
  session: EngineSession,
  project: ModelProject,
  dialect: Engine['dialect'],
): Planning['appended'] {
  const known = new Map<string, Promise<number>>();
  return (dates, ranges) => {
    const key = JSON.stringify([dates, ranges]);
    const found = known.get(key) ?? countAppended(session, project, dialect, dates, ranges);
    known.set(key, found);
    return found;
  };
}

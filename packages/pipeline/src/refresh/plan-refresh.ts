import type { EngineSession, PinnedTable } from '../engine/engine.ts';
import { coveredOffsets } from '../ingest/transaction-ids.ts';
import {
  compileModel,
  ModelError,
  type Model,
  type ModelProject,
  type OffsetRange,
} from '../models/index.ts';
import { PipelineError } from '../pipeline-error.ts';
import { decide, type InputState, type PlannedStep, type RefreshPlan } from './refresh-plan.ts';
import { modelNumber, seenInputs, type SeenInputs } from './refresh-transactions.ts';
import { widenDates } from './session-dates.ts';

export interface RefreshRequest {
  /** Makes every table anew. */
  readonly full: boolean;
  /** Only these models and what they are made from; empty: all. */
  readonly models: readonly string[];
}

export const silverSource = 'clickstream.silver';

/**
 * Says what a refresh has to do, after naming the project's views in the session.
 *
 * @throws PipelineError `refresh-no-silver`; ModelError for a project that does not compile.
 */
export async function planRefresh(
  session: EngineSession,
  project: ModelProject,
  dialect: 'duckdb' | 'spark' | 'trino',
  request: RefreshRequest,
): Promise<RefreshPlan> {
  const silver = session.table('source', silverSource);
  if (silver === undefined) throw noSilver();
  const target = { dialect, relation: session.relation.bind(session) };
  const chosen = withUpstream(project, request.models);
  const steps = new Map<string, PlannedStep>();
  for (const model of project.models.values()) {
    if (model.materialized === 'view') {
      const select = compileModel(project, model.name, target, { incremental: false, vars: {} });
      await session.createView(model.name, select);
      continue;
    }
    if (!chosen.has(model.name)) continue;
    const inputs = inputsOf(project, model);
    const table = session.table('model', model.name);
    const seen = table === undefined ? undefined : seenInputs(table, inputs);
    const states: InputState[] = [];
    for (const name of inputs) states.push(await inputState(session, name, seen, steps.get(name)));
    const decision = decide(
      {
        model,
        exists: table !== undefined,
        sameModel: seen?.model === modelNumber(model.fingerprint),
        inputs: states,
      },
      request.full,
    );
    const { mode, reason } = decision;
    if (decision.mode !== 'dates') {
      steps.set(model.name, {
        model: model.name,
        mode,
        reason,
        dates: mode === 'full' ? [...silver.rowsByDate.keys()] : [],
        vars: {},
        pieces: model.widenedBy === null ? 1 : piecesOf(silver, [...silver.rowsByDate.keys()]),
      });
      continue;
    }
    const touched = decision.dates;
    const vars = { touched_dates: touched };
    if (model.widenedBy === null) {
      steps.set(model.name, { model: model.name, mode, reason, dates: touched, vars, pieces: 1 });
      continue;
    }
    const onlyAppends = states.every(({ changes }) => changes?.removed === false);
    const changed_offsets = onlyAppends && seen !== undefined ? appendedRows(seen, silver) : null;
    const sessionVars = { ...vars, changed_offsets };
    const dates = await widenDates(session, project, model.widenedBy, target, sessionVars);
    steps.set(model.name, {
      model: model.name,
      mode,
      reason,
      dates,
      vars: { ...sessionVars, session_dates: dates },
      pieces:
        changed_offsets === null || countRows(changed_offsets) > rowsPerPiece ? piecesOf(silver, dates) : 1,
    });
  }
  return { silverVersion: silver.version, steps: [...steps.values()] };
}

/** What a piece may hold for DuckDB's sorts of it to stay within their memory. */
const rowsPerPiece = 400_000;

function piecesOf(silver: PinnedTable, dates: readonly string[]): number {
  const rows = dates.reduce((sum, date) => sum + (silver.rowsByDate.get(date) ?? 0), 0);
  return Math.max(1, Math.ceil(rows / rowsPerPiece));
}

function countRows(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + Number(BigInt(to) - BigInt(from)), 0);
}

async function inputState(
  session: EngineSession,
  name: string,
  seen: SeenInputs | undefined,
  step: PlannedStep | undefined,
): Promise<InputState> {
  const kind = name === silverSource ? 'source' : 'model';
  const version = seen?.versions.get(name);
  return {
    name,
    seen: version,
    current: session.table(kind, name)?.version,
    changes: version === undefined ? undefined : await session.changedDates(kind, name, version),
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

/** The rows that Silver has had appended; null when its offsets went back, which a restore does. */
function appendedRows(seen: SeenInputs, silver: PinnedTable): readonly OffsetRange[] | null {
  const now = coveredOffsets(silver.transactions, 'clickstream-events');
  if (now.some((to, partition) => to < (seen.offsets[partition] ?? 0n))) return null;
  return now.flatMap((to, partition) => {
    const from = seen.offsets[partition] ?? 0n;
    return to > from ? [{ partition, from: String(from), to: String(to) }] : [];
  });
}

function noSilver(): PipelineError {
  return new PipelineError({
    code: 'refresh-no-silver',
    message: 'There is no Silver table to make Gold from yet.',
    hint: 'Send events first: `npm start`, or `clicklake produce` and `clicklake ingest`.',
  });
}

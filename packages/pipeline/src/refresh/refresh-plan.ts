import type { ChangedDates } from '../engine/engine.ts';
import type { Model, RunVariables } from '../models/index.ts';

/** What a refresh is going to do, as data: printed by `clicklake refresh --plan`, then executed. */
export interface RefreshPlan {
  readonly silverVersion: number;
  /** In the order of execution. */
  readonly steps: readonly PlannedStep[];
}

export interface PlannedStep {
  readonly model: string;
  readonly mode: 'nothing' | 'dates' | 'full';
  /** Why this mode, for people. */
  readonly reason: string;
  /** Dates whose rows are replaced, ascending; every date of Silver for `full`. */
  readonly dates: readonly string[];
  /** The variables that the model is compiled with, dbt's `--vars`. */
  readonly vars: RunVariables;
  /** Shares of the users that are made one after another, and committed together. */
  readonly pieces: number;
}

/** What is known of one input of a model when it is planned. */
export interface InputState {
  readonly name: string;
  /** The version that the model's rows stand for; undefined: the model has never seen this input. */
  readonly seen: number | undefined;
  /** The version pinned; undefined: there is no such table yet. */
  readonly current: number | undefined;
  /** Between the two; undefined: the log entries are gone. */
  readonly changes: ChangedDates | undefined;
  /** What this plan does to the input itself, when models make it. */
  readonly step: PlannedStep | undefined;
}

export interface ModelState {
  readonly model: Model;
  /** The table exists. */
  readonly exists: boolean;
  /** Its rows were made by the model as it is now. */
  readonly sameModel: boolean;
  readonly inputs: readonly InputState[];
}

export type Decision =
  | { readonly mode: 'nothing'; readonly reason: string }
  | { readonly mode: 'full'; readonly reason: string }
  | { readonly mode: 'dates'; readonly reason: string; readonly dates: readonly string[] };

/** Decides about one model; pure (S7.3). */
export function decide(state: ModelState, askedForFull: boolean): Decision {
  const { model, exists, sameModel, inputs } = state;
  if (!exists) return { mode: 'full', reason: 'there is no table yet' };
  if (askedForFull) return { mode: 'full', reason: 'asked for' };
  if (!sameModel) return { mode: 'full', reason: `${model.path} has changed` };
  const dates = new Set<string>();
  for (const { name, seen, current, changes, step } of inputs) {
    if (step?.mode === 'full') return { mode: 'full', reason: `${name} is made anew` };
    for (const date of step?.dates ?? []) dates.add(date);
    if (seen === undefined) return { mode: 'full', reason: `${name} is a new input` };
    if (current !== undefined && current < seen)
      return { mode: 'full', reason: `${name} is another table than before` };
    if (changes === undefined)
      return { mode: 'full', reason: `the log of ${name} no longer says what changed since version ${seen}` };
    for (const date of changes.dates) dates.add(date);
  }
  if (dates.size === 0) return { mode: 'nothing', reason: 'nothing has changed' };
  return { mode: 'dates', reason: 'rows have changed', dates: [...dates].sort() };
}

import { ModelError } from './model-error.ts';
import type { Model, ModelProject, Template, Variables } from './model-project.ts';
import { renderTemplate } from './template.ts';

/** How relations are written, and in which dialect. */
export interface CompileTarget {
  readonly dialect: 'duckdb' | 'spark' | 'trino';
  /** SQL text of a model's or a source's relation. */
  relation(kind: 'model' | 'source', name: string): string;
}

/** The variables of one run; what is left out has the project's default. */
export interface RunVariables {
  readonly touched_dates?: readonly string[];
  readonly session_dates?: readonly string[];
  readonly changed_offsets?: readonly OffsetRange[] | null;
  readonly include_bots?: boolean;
  /** True: rows of `changed_offsets` are never given to a table twice, so a model may add to what it holds. */
  readonly runs_once?: boolean;
  /** False: a model that `replaces` gives none of the rows that stay. */
  readonly takes_over?: boolean;
  /** One share of a model's rows, where its config has `in_buckets`. */
  readonly bucket?: Bucket;
}

/** One share of all rows, by the hash of a column. */
export interface Bucket {
  /** From 0 to below `of`. */
  readonly number: number;
  readonly of: number;
}

/** Every bucket of so many; all rows at once, null, where that is one. */
export function allBuckets(of: number): readonly (Bucket | null)[] {
  return of <= 1 ? [null] : Array.from({ length: of }, (_, number) => ({ number, of }));
}

/** Rows of one log partition, as texts because templates know no 64-bit integers. */
export interface OffsetRange {
  readonly partition: number;
  readonly from: string;
  /** Exclusive. */
  readonly to: string;
}

/**
 * The SELECT of a model.
 *
 * @throws ModelError `model-unknown-reference`, `model-compile-failed`.
 */
export function compileModel(
  project: ModelProject,
  name: string,
  target: CompileTarget,
  { incremental, vars }: { readonly incremental: boolean; readonly vars: RunVariables },
): string {
  const model = modelOf(project, name, `the request`);
  return compile(project, model, target, vars, incremental, target.relation('model', name));
}

/** The query of an analysis, or of a data test. @throws ModelError as `compileModel`. */
export function compileQuery(
  project: ModelProject,
  template: Template,
  target: CompileTarget,
  vars: RunVariables = {},
): string {
  return compile(project, template, target, vars, false, '');
}

function compile(
  project: ModelProject,
  template: Template,
  target: CompileTarget,
  vars: RunVariables,
  incremental: boolean,
  self: string,
): string {
  const merged: Variables = { ...project.vars, ...vars };
  return renderTemplate(template, project.macros, {
    dialect: target.dialect,
    incremental,
    vars: merged,
    self,
    ref: (name) => target.relation('model', modelOf(project, name, template.path).name),
    source(source, table) {
      const name = `${source}.${table}`;
      if (!project.sources.has(name)) throw unknownReference(template.path, `source ${name}`);
      return target.relation('source', name);
    },
    config: () => undefined,
  });
}

function modelOf(project: ModelProject, name: string, path: string): Model {
  const model = project.models.get(name);
  if (model === undefined) throw unknownReference(path, `model ${name}`);
  return model;
}

export function unknownReference(path: string, what: string): ModelError {
  return new ModelError({
    code: 'model-unknown-reference',
    message: `${path} names the ${what}, which the project does not have.`,
    hint: 'Look for a misspelt name, or add it to the project.',
    details: { path },
  });
}

import type { TestConfig } from './test-config.ts';
import type { TraceRule } from './trace-rule.ts';

/** A dbt project as the runner needs it: read once, complete, and never changed. */
export interface ModelProject {
  readonly name: string;
  /** By name, each after everything it depends on. */
  readonly models: ReadonlyMap<string, Model>;
  /** `source.table`, with their descriptions. */
  readonly sources: ReadonlyMap<string, string>;
  readonly tests: readonly DataTest[];
  /** Queries that belong to the project and build nothing, by name. */
  readonly analyses: ReadonlyMap<string, Template>;
  /** Defaults of dbt_project.yml. */
  readonly vars: Variables;
  /** The macro blocks of all files, one after another. */
  readonly macros: string;
}

export type Variables = Readonly<Record<string, unknown>>;

/** A template with the place that errors name, relative to the project. */
export interface Template {
  readonly path: string;
  readonly text: string;
}

export interface Model extends Template {
  readonly name: string;
  readonly materialized: 'view' | 'incremental';
  /** The column by whose dates an incremental model is partitioned and replaced; null for a view. */
  readonly dateColumn: string | null;
  /** The analysis that says how far changes reach beyond the dates on which rows changed; null: not at all. */
  readonly widenedBy: string | null;
  /** With the variable `bucket` it gives one share of its rows, so that it can be made in pieces. */
  readonly inBuckets: boolean;
  /** How an event finds the row that it counts in; null: the project does not say. */
  readonly trace: TraceRule | null;
  /** In words, which events a view leaves out; null: the project does not say. */
  readonly leavesOut: string | null;
  /** The analysis that says which rows of a view are enough when rows were only appended; null: all of them. */
  readonly narrowedBy: string | null;
  /**
   * The analysis that says the keys of the rows that a table loses when rows were only appended: without `takes_over`
   * the model gives what takes their place. Null: the model always gives every row of its dates.
   */
  readonly replaces: string | null;
  readonly description: string;
  /** Columns that no two rows have alike: the grain; empty where the project does not say. */
  readonly key: readonly string[];
  readonly columns: readonly ModelColumn[];
  readonly dependsOn: readonly Dependency[];
  /** Changes when the model must be made anew: its own text, macros, config, columns, or views below it. */
  readonly fingerprint: string;
}

export type Dependency =
  { readonly kind: 'source'; readonly name: string } | { readonly kind: 'model'; readonly name: string };

export interface ModelColumn {
  readonly name: string;
  /** As the project writes it: `bigint`, `double`, `varchar`, `date`, `timestamp with time zone`, `integer`. */
  readonly type: string;
  readonly description: string;
}

/** A query for rows that should not be there. */
export interface DataTest {
  /** Its name in dbt. */
  readonly name: string;
  /** `not_null`, `unique`, `accepted_values`, `relationships`; `singular`: a query of its own. */
  readonly kind: string;
  /** What a generic test is about; null for a singular one. */
  readonly model: string | null;
  readonly column: string | null;
  /** The models that it looks at. */
  readonly models: readonly string[];
  readonly config: TestConfig;
  /** What a singular test says of itself; empty for generic ones. */
  readonly description: string;
  readonly template: Template;
}

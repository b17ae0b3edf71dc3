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
  /** The analysis that says which rows of a view are enough when rows were only appended; null: all of them. */
  readonly narrowedBy: string | null;
  readonly description: string;
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

/** A test passes when its query gives no row. */
export interface DataTest {
  readonly name: string;
  /** The model it is about; null for a singular test. */
  readonly model: string | null;
  readonly template: Template;
}

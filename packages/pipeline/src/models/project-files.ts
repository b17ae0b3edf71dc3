import type { TestEntry } from './data-tests.ts';
import { ModelError } from './model-error.ts';
import type { Variables } from './model-project.ts';
import { defaultTestConfig, testConfig, type TestConfig } from './test-config.ts';
import { traceRule, type TraceRule } from './trace-rule.ts';

type Tree = Readonly<Record<string, unknown>>;

/** `dbt_project.yml`, as far as the runner goes by it. */
export interface ProjectFile {
  readonly name: string;
  readonly modelPaths: readonly string[];
  readonly macroPaths: readonly string[];
  readonly testPaths: readonly string[];
  readonly analysisPaths: readonly string[];
  readonly vars: Variables;
  /** Config of `data_tests` that holds for all tests of the project. */
  readonly testConfig: TestConfig;
}

export interface ModelProperties {
  readonly name: string;
  readonly path: string;
  readonly description: string;
  /** `config.meta.key`. */
  readonly key: readonly string[];
  readonly columns: readonly ColumnProperties[];
  readonly trace: TraceRule | null;
  readonly leavesOut: string | null;
}

interface ColumnProperties {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly tests: readonly TestEntry[];
}

/** A yml file beside the models. */
export interface PropertiesFile {
  readonly models: readonly ModelProperties[];
  /** `source.table` and its description. */
  readonly sources: readonly (readonly [string, string])[];
}

/** @throws ModelError `model-project-invalid` */
export function projectFile(value: unknown): ProjectFile {
  const file = treeOf(value);
  const name = text(file.name);
  if (name === '') throw invalid('dbt_project.yml', 'it has no name');
  return {
    name,
    modelPaths: texts(file['model-paths'], ['models']),
    macroPaths: texts(file['macro-paths'], ['macros']),
    testPaths: texts(file['test-paths'], ['tests']),
    analysisPaths: texts(file['analysis-paths'], ['analyses']),
    vars: treeOf(file.vars),
    testConfig: projectTestConfig(treeOf(file.data_tests ?? file.tests), name),
  };
}

/** @throws ModelError `model-project-invalid` */
export function propertiesFile(value: unknown, path: string): PropertiesFile {
  const file = treeOf(value);
  return {
    models: list(file.models).map((model) => {
      if (text(model.name) === '') throw invalid(path, 'a model has no name');
      refuseTests(model, path, `model ${text(model.name)}`);
      return {
        name: text(model.name),
        path,
        description: text(model.description),
        key: texts(treeOf(treeOf(model.config).meta).key, []),
        trace: traceOf(model, path),
        leavesOut: text(metaOf(model).leaves_out) || null,
        columns: list(model.columns).map((column) => {
          const type = text(column.data_type);
          if (type === '')
            throw invalid(path, `column ${text(column.name)} of ${text(model.name)} has no data_type`);
          return {
            name: text(column.name),
            type,
            description: text(column.description),
            tests: (column.data_tests ?? column.tests ?? []) as readonly TestEntry[],
          };
        }),
      };
    }),
    sources: list(file.sources).flatMap((source) =>
      list(source.tables).map((table) => {
        const name = `${text(source.name)}.${text(table.name)}`;
        for (const tested of [table, ...list(table.columns)]) refuseTests(tested, path, `source ${name}`);
        return [name, text(table.description)] as const;
      }),
    ),
  };
}

/** Folders below the project's name are not looked into: what they set would be missed, so it is refused. */
function projectTestConfig(given: Tree, project: string): TestConfig {
  const place = { path: 'dbt_project.yml', test: 'data_tests' };
  const { [project]: own, ...everywhere } = given;
  return testConfig(treeOf(own), testConfig(everywhere, defaultTestConfig, place), place);
}

/** The runner would pass over them in silence. */
function refuseTests(entry: Tree, path: string, what: string): void {
  if (entry.data_tests !== undefined || entry.tests !== undefined)
    throw invalid(path, `${what} has tests, which the runner knows of columns of models only`);
}

/** Below `config`, as dbt wants it, or beside it, as it once did. */
function metaOf(model: Tree): Tree {
  return { ...treeOf(model.meta), ...treeOf(treeOf(model.config).meta) };
}

function traceOf(model: Tree, path: string): TraceRule | null {
  const rule = traceRule(metaOf(model).trace);
  if (rule !== undefined) return rule;
  throw invalid(
    path,
    `meta.trace of ${text(model.name)} is not {events: <view>, row: [<column> = <column of the view>, …]}`,
  );
}

function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

function list(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value.map(treeOf) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown, fallback: readonly string[]): readonly string[] {
  return Array.isArray(value) ? value.map(String) : fallback;
}

function invalid(path: string, what: string): ModelError {
  return new ModelError({
    code: 'model-project-invalid',
    message: `${path} of the models project: ${what}.`,
    hint: 'Mend the file; `dbt parse` in the models directory says more.',
    details: { path },
  });
}

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { parse } from 'yaml';
import { genericTest } from './data-tests.ts';
import { inOrder } from './graph.ts';
import { ModelError } from './model-error.ts';
import type {
  DataTest,
  Dependency,
  Model,
  ModelColumn,
  ModelProject,
  Template,
  Variables,
} from './model-project.ts';
import { projectFile, propertiesFile, type ModelProperties, type ProjectFile } from './project-files.ts';
import { renderTemplate } from './template.ts';
import { testConfig } from './test-config.ts';

/**
 * Reads a dbt project.
 *
 * @param directory where `dbt_project.yml` lies.
 * @throws ModelError for a project that dbt would not take either, or that uses what the runner does not know.
 */
export async function loadProject(directory: string): Promise<ModelProject> {
  const settings = projectFile(await readYaml(directory, 'dbt_project.yml'));
  const macroFiles = await readTemplates(directory, settings.macroPaths);
  const macros = macroFiles.map(({ text }) => macroBlocks(text)).join('');
  const modelFiles = await readTemplates(directory, settings.modelPaths);
  const properties = await readProperties(directory, settings.modelPaths);
  const sources = new Map(properties.flatMap((file) => file.sources));
  const described = new Map(properties.flatMap((file) => file.models).map((model) => [model.name, model]));
  const drafts = modelFiles.map((template) => draft(template, macros, settings, described));
  const tests: DataTest[] = [
    ...[...described.values()].flatMap((model) =>
      model.columns.flatMap(({ name, tests: entries }) =>
        entries.map((entry) =>
          genericTest({ model: model.name, column: name, path: model.path }, entry, settings.testConfig),
        ),
      ),
    ),
    ...(await readTemplates(directory, settings.testPaths)).map((template) =>
      singularTest(template, macros, settings),
    ),
  ];
  refuseTestsNamedTwice(tests);
  const models = new Map<string, Model>();
  for (const model of inOrder(drafts, sources)) {
    const below = model.dependsOn.map(({ kind, name }) => {
      const upstream = kind === 'model' ? models.get(name) : undefined;
      // A view is part of the model that reads it; another table's change reaches it through its rows.
      return upstream?.materialized === 'view' ? upstream.fingerprint : name;
    });
    models.set(model.name, { ...model, fingerprint: sha256([model.fingerprint, ...below]) });
  }
  return {
    name: settings.name,
    models,
    sources,
    tests,
    analyses: new Map(
      (await readTemplates(directory, settings.analysisPaths)).map((template) => [
        nameOf(template),
        template,
      ]),
    ),
    vars: settings.vars,
    macros,
  };
}

/** A model by itself; its fingerprint does not know the views below it yet. */
function draft(
  template: Template,
  macros: string,
  settings: ProjectFile,
  described: ReadonlyMap<string, ModelProperties>,
): Model {
  const name = nameOf(template);
  const properties = described.get(name);
  const { dependsOn, config } = lookInto(template, macros, settings.vars);
  // Config stands in the models themselves: what a folder is set to would be far from what it changes.
  const materialized = config.materialized === 'incremental' ? 'incremental' : 'view';
  const dateColumn = materialized === 'incremental' ? String(config.unique_key) : null;
  const columns: readonly ModelColumn[] = (properties?.columns ?? []).map(({ name, type, description }) => ({
    name,
    type,
    description,
  }));
  if (dateColumn !== null && !columns.some((column) => column.name === dateColumn))
    throw new ModelError({
      code: 'model-project-invalid',
      message: `${template.path}: the unique_key "${dateColumn}" is not among the described columns of ${name}.`,
      hint: 'An incremental model is replaced by dates: its unique_key is its date column, described in a yml file.',
      details: { path: template.path },
    });
  return {
    ...template,
    name,
    materialized,
    dateColumn,
    trace: properties?.trace ?? null,
    leavesOut: properties?.leavesOut ?? null,
    widenedBy: analysisOf(config, 'widened_by'),
    narrowedBy: analysisOf(config, 'narrowed_by'),
    replaces: analysisOf(config, 'replaces'),
    inBuckets: metaOf(config, 'in_buckets') === true,
    description: properties?.description ?? '',
    key: properties?.key ?? [],
    columns,
    dependsOn,
    fingerprint: sha256([template.text, macros, JSON.stringify([config, columns, settings.vars])]),
  };
}

/** A query of its own in the tests folder. What it says of itself is its first comment. */
function singularTest(template: Template, macros: string, settings: ProjectFile): DataTest {
  const name = nameOf(template);
  const { config, dependsOn } = lookInto(template, macros, settings.vars);
  const [, description = ''] = /^\s*--\s*(.*)$/m.exec(template.text) ?? [];
  return {
    name,
    kind: 'singular',
    model: null,
    column: null,
    models: dependsOn.flatMap(({ kind, name: model }) => (kind === 'model' ? [model] : [])),
    config: testConfig(config, settings.testConfig, { path: template.path, test: `the test ${name}` }),
    description,
    template,
  };
}

function refuseTestsNamedTwice(tests: readonly DataTest[]): void {
  const places = new Map<string, string>();
  for (const { name, template } of tests) {
    const other = places.get(name);
    if (other !== undefined)
      throw new ModelError({
        code: 'model-project-invalid',
        message: `Two tests are called ${name}: in ${other} and ${template.path}.`,
        hint: 'Give one of them a name of its own.',
        details: { path: template.path },
      });
    places.set(name, template.path);
  }
}

/** `meta={'widened_by': 'session_reach'}`: dbt carries it along and does nothing with it. */
function analysisOf(config: Readonly<Record<string, unknown>>, key: string): string | null {
  const name = metaOf(config, key);
  return typeof name === 'string' ? name : null;
}

function metaOf({ meta }: Readonly<Record<string, unknown>>, key: string): unknown {
  return typeof meta === 'object' && meta !== null ? (meta as Record<string, unknown>)[key] : null;
}

/** What a model refers to in either mode, and its own config. */
function lookInto(
  template: Template,
  macros: string,
  vars: Variables,
): { readonly dependsOn: readonly Dependency[]; readonly config: Readonly<Record<string, unknown>> } {
  const found = new Map<string, Dependency>();
  let config: Readonly<Record<string, unknown>> = {};
  const note = (kind: Dependency['kind'], name: string): string => {
    found.set(`${kind} ${name}`, { kind, name });
    return name;
  };
  for (const incremental of [false, true]) {
    renderTemplate(template, macros, {
      dialect: 'duckdb',
      incremental,
      // As a run has them: without dates an incremental model refuses to be rendered.
      vars: { ...vars, touched_dates: [], session_dates: [] },
      self: nameOf(template),
      ref: (name) => note('model', name),
      source: (source, table) => note('source', `${source}.${table}`),
      config: (settings) => (config = { ...config, ...settings }),
    });
  }
  return { dependsOn: [...found.values()], config };
}

/** Only the blocks count: dbt leaves out what stands between macros, too. */
function macroBlocks(text: string): string {
  return [...text.matchAll(/\{%-?\s*macro\b[\s\S]*?\bendmacro\s*-?%\}/g)].map(([block]) => block).join('');
}

function nameOf({ path }: Template): string {
  return basename(path, '.sql');
}

function sha256(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex');
}

async function readTemplates(directory: string, folders: readonly string[]): Promise<readonly Template[]> {
  const paths = await filesBelow(directory, folders, ['.sql']);
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(directory, path), 'utf8') })),
  );
}

async function readProperties(
  directory: string,
  folders: readonly string[],
): Promise<ReturnType<typeof propertiesFile>[]> {
  const paths = await filesBelow(directory, folders, ['.yml', '.yaml']);
  return await Promise.all(paths.map(async (path) => propertiesFile(await readYaml(directory, path), path)));
}

async function filesBelow(
  directory: string,
  folders: readonly string[],
  extensions: readonly string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await entriesBelow(join(directory, folder));
    found.push(
      ...entries.filter((name) => extensions.includes(extname(name))).map((name) => join(folder, name)),
    );
  }
  return found.sort();
}

/** A folder that the project names and does not have is empty, as for dbt. */
async function entriesBelow(folder: string): Promise<string[]> {
  try {
    return await readdir(folder, { recursive: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

async function readYaml(directory: string, path: string): Promise<unknown> {
  try {
    return parse(await readFile(join(directory, path), 'utf8'));
  } catch (cause) {
    throw new ModelError({
      code: 'model-project-invalid',
      message: `${path} of the models project cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'The setting models.directory names the directory with dbt_project.yml.',
      cause,
      details: { directory, path },
    });
  }
}

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileModel, loadProject, type CompileTarget } from '@clicklake/pipeline';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-models-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const target: CompileTarget = { dialect: 'duckdb', relation: (kind, name) => `<${kind} ${name}>` };
const project = 'name: shop\nmodel-paths: [models]\nmacro-paths: [macros]\nvars:\n  limit: 3\n';
const sources = 'sources:\n  - name: raw\n    tables: [{ name: events }]\n';

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries({
    'dbt_project.yml': project,
    'models/sources.yml': sources,
    ...files,
  })) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

const full = { incremental: false, vars: {} };

test('models come in the order of what they need, with source, ref, var, macros and dispatch rendered', async () => {
  await write({
    'models/b.sql': `select {{ twice('n') }} from {{ ref('a') }} limit {{ var('limit') }}`,
    'models/a.sql': `\n{{ config(materialized='view') }}\nselect n from {{ source('raw', 'events') }}\n`,
    'macros/m.sql': `words between macros\n{% macro twice(c) -%}\n{{ return(adapter.dispatch('twice')(c)) }}\n{%- endmacro %}
{% macro default__twice(c) -%} {{ c }} * 2 {%- endmacro %}{% macro duckdb__twice(c) -%} {{ c }} + {{ c }} {%- endmacro %}`,
  });
  const loaded = await loadProject(directory);
  expect([...loaded.models.keys()]).toEqual(['a', 'b']);
  expect(compileModel(loaded, 'a', target, full)).toBe('\nselect n from <source raw.events>');
  expect(compileModel(loaded, 'b', target, full)).toBe('select n + n from <model a> limit 3');
  expect(compileModel(loaded, 'b', { ...target, dialect: 'trino' }, full)).toContain('n * 2');
});

test('a circle, an unknown name and a broken template are named with their file and line', async () => {
  await write({
    'models/a.sql': `select 1 from {{ ref('b') }}`,
    'models/b.sql': `select 1 from {{ ref('a') }}`,
  });
  await expect(loadProject(directory)).rejects.toMatchObject({
    code: 'model-cycle',
    message: expect.stringMatching(/a → b → a|b → a → b/) as string,
  });
  await write({ 'models/b.sql': `select 1 from {{ ref('c') }}` });
  await expect(loadProject(directory)).rejects.toMatchObject({
    code: 'model-unknown-reference',
    details: { path: 'models/b.sql' },
  });
  await write({
    'models/b.sql': `select 1\nfrom x\nwhere {{ nothing.at.all }}`,
    'macros/m.sql': '{% macro m() %}\n\n{% endmacro %}',
  });
  await expect(loadProject(directory)).rejects.toMatchObject({
    code: 'model-compile-failed',
    message: expect.stringContaining('models/b.sql, line 3') as string,
  });
});

test('the fingerprint of a table changes with its text, its macros and the views below it, not with other tables', async () => {
  const columns = (name: string): string =>
    `models:\n  - name: ${name}\n    columns: [{ name: day, data_type: date }]\n`;
  const table = (from: string): string =>
    `{{ config(materialized='incremental', unique_key='day') }}select day from {{ ref('${from}') }}`;
  await write({
    'models/view.sql': `{{ config(materialized='view') }}select day from {{ source('raw', 'events') }}`,
    'models/one.sql': table('view'),
    'models/one.yml': columns('one'),
    'models/two.sql': table('one'),
    'models/two.yml': columns('two'),
  });
  const before = await loadProject(directory);
  await write({
    'models/view.sql': `{{ config(materialized='view') }}select day from {{ source('raw', 'events') }} where 1 = 1`,
  });
  const after = await loadProject(directory);
  expect(after.models.get('one')?.fingerprint).not.toBe(before.models.get('one')?.fingerprint);
  expect(after.models.get('two')?.fingerprint).toBe(before.models.get('two')?.fingerprint);
});

test('an incremental run without dates is refused with the way out', async () => {
  const own = await loadProject(join(import.meta.dirname, '../../../../models'));
  expect(() => compileModel(own, 'product_performance', target, { incremental: true, vars: {} })).toThrow(
    /touched_dates.*--plan --json/,
  );
});

import { join } from 'node:path';
import { duckdbColumns } from '@clicklake/contract';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  compileModel,
  compileQuery,
  loadProject,
  type CompileTarget,
  type ModelProject,
  type RunVariables,
} from '@clicklake/pipeline';
import { beforeAll, describe, expect, test } from 'vitest';
import { portabilityProblems } from './portable-sql.ts';

const models = join(import.meta.dirname, '../../../../models');
let project: ModelProject;
beforeAll(async () => {
  project = await loadProject(models);
});

const dates = ['2026-05-10', '2026-05-11'];
const runs: readonly { readonly incremental: boolean; readonly vars: RunVariables }[] = [
  { incremental: false, vars: {} },
  { incremental: false, vars: { include_bots: true, bucket: { number: 1, of: 4 } } },
  { incremental: true, vars: { touched_dates: dates, session_dates: dates, changed_offsets: null } },
  {
    incremental: true,
    vars: {
      touched_dates: dates,
      session_dates: dates,
      changed_offsets: [{ partition: 0, from: '5', to: '9' }],
      bucket: { number: 1, of: 4 },
    },
  },
  {
    incremental: true,
    vars: {
      touched_dates: dates,
      changed_offsets: [
        { partition: 0, from: '5', to: '9' },
        { partition: 1, from: '0', to: '2' },
      ],
      runs_once: true,
    },
  },
  { incremental: true, vars: { touched_dates: [], session_dates: [], changed_offsets: [] } },
];

describe.each(['spark', 'trino'] as const)('for %s', (dialect) => {
  const target: CompileTarget = { dialect, relation: (_kind, name) => `gold.${name.replace('.', '_')}` };

  test('models, analyses and tests use nothing that DuckDB, Spark and Trino do not share', () => {
    for (const { incremental, vars } of runs) {
      for (const { name, materialized } of project.models.values()) {
        const sql = compileModel(project, name, target, {
          incremental: incremental && materialized === 'incremental',
          vars,
        });
        expect({ name, incremental, problems: portabilityProblems(sql, dialect) }).toEqual({
          name,
          incremental,
          problems: [],
        });
      }
    }
    const queries = [...project.analyses.values(), ...project.tests.map(({ template }) => template)];
    for (const template of queries) {
      const sql = compileQuery(project, template, target, runs[3]?.vars);
      const problems = portabilityProblems(sql, dialect);
      expect({ path: template.path, problems }).toEqual({ path: template.path, problems: [] });
    }
  });
});

test.each([
  ["select json_extract_string(properties, '$.a') from t", 'json_extract_string'],
  ["select ts - interval '30 minutes' from t", 'interval'],
  ['select a / b from t', 'division'],
  ['select cast(a as hugeint) from t', 'hugeint'],
  ['select * from t qualify row_number() over (order by a) = 1', 'QUALIFY'],
  ["select cast(ts at time zone 'Europe/Berlin' as date) from t", 'UTC'],
  ['select median(a) from t', 'median'],
  ['select a::bigint from t', '::'],
])('the linter sees what is not shared: %s', (sql, problem) => {
  expect(portabilityProblems(sql, 'trino').join()).toContain(problem);
  expect(portabilityProblems('-- a / b\nselect \'/\' as "text" from t'.replaceAll('"', ''), 'trino')).toEqual(
    [],
  );
});

test('every model gives the columns that it describes, of the types and in the order described', async () => {
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  const target: CompileTarget = { dialect: 'duckdb', relation: (_kind, name) => `"${name}"` };
  await connection.run(
    `CREATE TABLE "clickstream.silver" (${duckdbColumns.map(({ name, type }) => `"${name}" ${type}`).join(', ')})`,
  );
  for (const { name, columns, description } of project.models.values()) {
    const select = compileModel(project, name, target, { incremental: false, vars: {} });
    await connection.run(`CREATE VIEW "${name}" AS ${select}`);
    const described = await connection.runAndReadAll(`DESCRIBE "${name}"`);
    expect(described.getRows().map(([column, type]) => [column, String(type).toLowerCase()])).toEqual(
      columns.map((column) => [column.name, column.type]),
    );
    for (const text of [description, ...columns.map((column) => column.description)])
      expect(text).not.toBe('');
  }
  connection.closeSync();
  duckdb.closeSync();
});

import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  allowedFunctions,
  allowedTableFunctions,
  changingFunctions,
} from '../src/sandbox/allowed-functions.ts';
import { isSystemName } from '../src/sandbox/judge.ts';

let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
});

afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

async function names(sql: string): Promise<Set<string>> {
  const rows = (await connection.runAndReadAll(sql)).getRows();
  return new Set(rows.map(([name]) => String(name).toLowerCase()));
}

describe('the allowed functions', () => {
  it('all exist, in the kind they are allowed as', async () => {
    const expressions = await names(
      "SELECT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')",
    );
    // The binder knows these by itself: they are in no catalog.
    const withoutCatalog = new Set([
      'cume_dist', 'dense_rank', 'fill', 'first_value', 'grouping', 'grouping_id', 'lag', 'last_value', 'lead',
      'nth_value', 'ntile', 'percent_rank', 'rank', 'rank_dense', 'row_number', 'unnest',
    ]); // prettier-ignore
    expect(
      [...allowedFunctions].filter((name) => !expressions.has(name) && !withoutCatalog.has(name)),
    ).toEqual([]);
    const tables = await names("SELECT function_name FROM duckdb_functions() WHERE function_type = 'table'");
    expect([...allowedTableFunctions].filter((name) => !tables.has(name))).toEqual([]);
  });

  it('have no side effect and do not depend on the engine, but for chance', async () => {
    const volatile = await names(
      "SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar' AND has_side_effects",
    );
    const allowed = [...allowedFunctions].filter((name) => volatile.has(name));
    expect(allowed.sort()).toEqual(['error', 'gen_random_uuid', 'random', 'uuid', 'uuidv4', 'uuidv7']);
  });

  it('hold none that reads or runs what its argument names', () => {
    const reading =
      /^(read_|parquet_|query|glob|sniff|pragma|duckdb_|pg_|which_|json_(de)?serialize|json_execute|getenv|getvariable|current_setting|.*scan)/;
    const found = [...allowedFunctions, ...allowedTableFunctions].filter((name) => reading.test(name));
    expect(found).toEqual(['pg_typeof']);
  });
});

describe('the changing functions', () => {
  it('are all that DuckDB does not call consistent, and what asks for the time by another name', async () => {
    const changing = await names(
      "SELECT function_name FROM duckdb_functions() WHERE function_type = 'scalar' AND stability <> 'CONSISTENT'",
    );
    expect(
      [...allowedFunctions].filter((name) => changing.has(name) && !changingFunctions.has(name)),
    ).toEqual([]);
    const macros = await names(
      "SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro' AND regexp_matches(macro_definition, '(current_|now|random|uuid|today)')",
    );
    expect([...allowedFunctions].filter((name) => macros.has(name) && !changingFunctions.has(name))).toEqual(
      [],
    );
  });
});

describe('isSystemName', () => {
  it('knows every view that DuckDB finds without a schema', async () => {
    const views = await names(
      "SELECT view_name FROM duckdb_views() WHERE schema_name IN ('main', 'pg_catalog')",
    );
    expect(views.size).toBeGreaterThan(20);
    expect([...views].filter((name) => !isSystemName(name))).toEqual([]);
  });
});

import type { DeltaTable } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { FailingTest } from '../data-tests/test-report.ts';
import { tableSql } from './lake-tables.ts';

/** The tests with rows in `test_failures`: a test that passes takes its rows away. */
export async function failingTestRows(
  connection: DuckDBConnection,
  table: DeltaTable,
): Promise<readonly FailingTest[]> {
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT test, verdict, CAST(failures AS DOUBLE), message, CAST(epoch_ms(tested_at) AS DOUBLE)
     FROM (${tableSql(table, await table.snapshot())}) ORDER BY test`,
  );
  return found.getRows().map(([test, verdict, failures, message, testedAt]) => ({
    test: String(test),
    verdict: verdict as FailingTest['verdict'],
    failures: typeof failures === 'number' ? failures : null,
    message: typeof message === 'string' ? message : null,
    testedAt: new Date(Number(testedAt)).toISOString(),
  }));
}

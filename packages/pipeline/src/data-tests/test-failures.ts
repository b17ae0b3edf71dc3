import type { EngineSession, WrittenTable } from '../engine/engine.ts';
import type { TestResult } from './test-report.ts';

/**
 * The rows that data tests found, as a Gold table: one for all tests, so that SQL asks it under a name that is known
 * beforehand, and so that one commit says what a run of many tests found. A failing row is JSON text, because each test
 * has columns of its own. A test's rows are replaced by its next run: what has rows here fails.
 */
export const testFailures: WrittenTable = {
  name: 'test_failures',
  description: 'Rows that data tests found and should not be there, each test’s as of its last run.',
  dateColumn: 'tested_on',
  columns: [
    { name: 'tested_on', type: 'date', description: 'UTC date of tested_at.' },
    { name: 'tested_at', type: 'timestamp with time zone', description: 'When the test was run.' },
    { name: 'silver_version', type: 'bigint', description: 'The version of Silver that it looked at.' },
    { name: 'test', type: 'varchar', description: 'Name of the test.' },
    { name: 'model', type: 'varchar', description: 'The model of a generic test.' },
    { name: 'column_name', type: 'varchar', description: 'The column of a generic test.' },
    { name: 'verdict', type: 'varchar', description: 'fail, warn, or error: it could not be carried out.' },
    { name: 'failures', type: 'bigint', description: 'How many rows the test found, stored or not.' },
    { name: 'message', type: 'varchar', description: 'Why the test could not be carried out.' },
    {
      name: 'failing_row',
      type: 'varchar',
      description: 'One of the rows as a JSON object; null when there is none.',
    },
  ],
};

/** How many failing rows of a test are kept: enough to see what is wrong. */
export const storedRowsPerTest = 100;

/** A test that did not pass, and its query. */
export interface FoundFailures {
  readonly result: TestResult;
  /** Null for a test that could not be carried out. */
  readonly query: string | null;
}

/** The rows of one test. */
export function failingRows(
  session: EngineSession,
  { result, query }: FoundFailures,
  at: { readonly testedAt: string; readonly silverVersion: number },
): string {
  const text = (value: string | null): string =>
    `cast(${value === null ? 'null' : session.literal(value)} as varchar)`;
  const failures = result.failures === null ? 'null' : String(result.failures);
  const facts = [
    `cast(${session.literal(at.testedAt.slice(0, 10))} as date) as tested_on`,
    `${session.instant(at.testedAt)} as tested_at`,
    `cast(${at.silverVersion} as bigint) as silver_version`,
    `${text(result.test)} as test`,
    `${text(result.model)} as model`,
    `${text(result.column)} as column_name`,
    `${text(result.verdict)} as verdict`,
    `cast(${failures} as bigint) as failures`,
    `${text(result.message)} as message`,
  ].join(', ');
  if (query === null) return `select ${facts}, cast(null as varchar) as failing_row`;
  return `select ${facts}, ${session.rowAsJson('failing')} as failing_row
from (
${query}
) as failing
limit ${storedRowsPerTest}`;
}

/** The rows of tests that keep theirs. */
export function keptRows(session: EngineSession, tests: readonly string[]): string {
  const columns = testFailures.columns.map(({ name }) => name).join(', ');
  const names = tests.map((name) => session.literal(name)).join(', ');
  return `select ${columns} from ${session.relation('model', testFailures.name)} where test in (${names})`;
}

/** Which data tests to run. */
export interface TestRequest {
  /** Names of tests, or of models for all tests that look at them; empty: all. */
  readonly names: readonly string[];
}

/** What a test found; `error`: it could not be carried out. */
export type Verdict = 'pass' | 'warn' | 'fail' | 'error';

export interface TestResult {
  readonly test: string;
  /** `not_null`, `unique`, `accepted_values`, `relationships`, `singular`. */
  readonly kind: string;
  readonly model: string | null;
  readonly column: string | null;
  readonly verdict: Verdict;
  /** Rows that should not be there; null when the test could not be carried out. */
  readonly failures: number | null;
  /** Why it could not. */
  readonly message: string | null;
  readonly durationMs: number;
}

export interface TestReport {
  /** The version of Silver that Gold stands for, and the tests looked at. */
  readonly silverVersion: number;
  /** What each Gold table stands for. */
  readonly gold: readonly TableStanding[];
  /** All of them stand for `silverVersion`: no refresh ended half-way. */
  readonly goldAgrees: boolean;
  /** No test failed or could not be carried out. */
  readonly passed: boolean;
  readonly tests: readonly TestResult[];
}

export interface TableStanding {
  readonly table: string;
  /** Null: for an earlier one that cannot be named, or for several. */
  readonly silverVersion: number | null;
}

export interface TestProgress {
  readonly test: string;
  readonly done: number;
  readonly total: number;
}

/** A test that has not passed since it was run last. */
export interface FailingTest {
  readonly test: string;
  readonly verdict: Exclude<Verdict, 'pass'>;
  readonly failures: number | null;
  readonly message: string | null;
  /** ISO 8601, UTC. */
  readonly testedAt: string;
}

/** dbt's rule: `error_if` counts unless the severity is `warn`, then `warn_if`. Pure. */
export function verdictOf(
  severity: 'error' | 'warn',
  { shouldWarn, shouldError }: { readonly shouldWarn: boolean; readonly shouldError: boolean },
): Verdict {
  if (severity === 'error' && shouldError) return 'fail';
  return shouldWarn ? 'warn' : 'pass';
}

/** Whether the report as a whole is a success: warnings are told and no more. */
export function isPassed(tests: readonly TestResult[]): boolean {
  return tests.every(({ verdict }) => verdict === 'pass' || verdict === 'warn');
}

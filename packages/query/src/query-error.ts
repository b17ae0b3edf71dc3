import { ClicklakeError } from '@clicklake/errors';

/**
 * Why a statement gave no rows:
 *
 * - `query-not-allowed`: the statement is not one read-only statement over our tables (S6.4).
 * - `query-syntax`: DuckDB's parser or binder refuses it as written (unknown column, wrong type, …).
 * - `query-failed`: it was accepted and failed while it ran (a cast, an overflow, an unreadable value).
 * - `query-timeout`: it ran longer than the time limit and was interrupted.
 * - `query-out-of-memory`: it, or one that ran beside it, needed more memory or spill space than the engine
 *   may use.
 * - `query-cancelled`: the caller's signal was aborted.
 * - `query-too-many`: no connection became free; retryable.
 * - `query-table-unreadable`: a table of the pin could not be opened, so our own relation is wrong.
 * - `query-tail-failed`: rows could not be appended to a tail generation, or the generation is gone.
 * - `query-process-ended`: the process that runs the statements ended, or does not start; retryable.
 * - `query-engine-closed`: the engine was closed before or during the call.
 */
export type QueryErrorCode =
  | 'query-not-allowed'
  | 'query-syntax'
  | 'query-failed'
  | 'query-timeout'
  | 'query-out-of-memory'
  | 'query-cancelled'
  | 'query-too-many'
  | 'query-table-unreadable'
  | 'query-tail-failed'
  | 'query-process-ended'
  | 'query-engine-closed';

/** Every error that `@clicklake/query` raises on purpose. */
export class QueryError extends ClicklakeError<QueryErrorCode> {}

/** A statement outside what S6.4 allows: `what` says what was met, `hint` what to write instead. */
export function notAllowed(what: string, hint: string): QueryError {
  return new QueryError({ code: 'query-not-allowed', message: what, hint });
}

export function engineClosed(): QueryError {
  return new QueryError({
    code: 'query-engine-closed',
    message: 'The query engine is closed.',
    hint: 'Ask again once the server has started.',
    retryable: true,
  });
}

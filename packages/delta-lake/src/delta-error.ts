import { ClicklakeError } from '@clicklake/errors';

/**
 * - `delta-table-not-found`: no `_delta_log` with a version under this root.
 * - `delta-table-exists`: `create` found version 0.
 * - `delta-log-gap`: a commit between two others is missing, so no version after it can be trusted.
 * - `delta-log-corrupt`: an entry or checkpoint cannot be parsed, or breaks the protocol.
 * - `delta-version-not-found`: the asked version or timestamp lies outside the retained log.
 * - `delta-unsupported-reader`: the table needs a reader version or feature that we do not have; named.
 * - `delta-unsupported-writer`: likewise for writing.
 * - `delta-unsupported-schema`: the schema has a type, name or nesting that we cannot read or write.
 * - `delta-schema-mismatch`: the rows offered do not fit the table's schema; columns named.
 * - `delta-null-in-required-column`: a null in a column declared not nullable.
 * - `delta-append-only`: the table forbids deleting data (`delta.appendOnly`).
 * - `delta-invalid-argument`: a call that can never succeed.
 * - `delta-metadata-changed`, `delta-protocol-changed`: another writer changed it since our snapshot.
 * - `delta-concurrent-append`: another writer added files that our operation should have read.
 * - `delta-concurrent-delete`: another writer removed a file that our operation read or removes too.
 * - `delta-transaction-fenced`: another writer moved the same appId: drop the batch and re-read `txn`.
 * - `delta-commit-uncertain`: the store failed in the middle of the commit; it may or may not be there.
 * - `delta-file-missing`: a data file that a version needs is gone (VACUUM), so it cannot be restored.
 * - `delta-retention-too-short`: VACUUM would delete files that the table still promises to keep.
 * - `delta-log-unavailable`: the entries between two versions are no longer retained.
 * - `store-not-found`: the object does not exist.
 */
export type DeltaErrorCode =
  | 'delta-table-not-found'
  | 'delta-table-exists'
  | 'delta-log-gap'
  | 'delta-log-corrupt'
  | 'delta-version-not-found'
  | 'delta-unsupported-reader'
  | 'delta-unsupported-writer'
  | 'delta-unsupported-schema'
  | 'delta-schema-mismatch'
  | 'delta-null-in-required-column'
  | 'delta-append-only'
  | 'delta-invalid-argument'
  | 'delta-metadata-changed'
  | 'delta-protocol-changed'
  | 'delta-concurrent-append'
  | 'delta-concurrent-delete'
  | 'delta-transaction-fenced'
  | 'delta-commit-uncertain'
  | 'delta-file-missing'
  | 'delta-retention-too-short'
  | 'delta-log-unavailable'
  | 'store-not-found';

export class DeltaError extends ClicklakeError<DeltaErrorCode> {}

export function isDeltaError(error: unknown, code: DeltaErrorCode): error is DeltaError {
  return error instanceof DeltaError && error.code === code;
}

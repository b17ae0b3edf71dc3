import { ClicklakeError } from '@clicklake/errors';

/**
 * - `lake-owned`: another process holds this lake's ingest lease (S3.4); `details.pid` names it.
 * - `lake-log-mismatch`: Silver's `txn` and the log contradict each other: the log is not the one that this
 *   lake was made from, or it lost its end.
 * - `lake-log-gone`: offsets that ingest needs were deleted from the log.
 * - `ingest-corrupt-range`: ingest stands before an unreadable range of the log (S5.1).
 * - `ingest-fenced`: another writer committed for the same log partitions; this one must reload.
 * - `ingest-failed`: a tick or a commit failed for another reason; `cause` says which.
 * - `ingest-tail-uncommitted`: ingest had to stop without committing what it had taken up; the log has it.
 * - `restore-not-possible`: the request names no version, or a table that is never restored alone.
 * - `restore-log-gone`: a restore would need offsets that the log no longer holds (S4.3).
 * - `replay-change-invalid`: what a replay is to change in its events is not in the language for it.
 * - `refresh-fenced`: another refresh committed to the same Gold table; start again.
 * - `refresh-out-of-memory`: also in small pieces it does not fit the memory of a refresh.
 * - `refresh-no-silver`: there is no Silver table, or no event in it, to make Gold from yet.
 * - `job-unknown`: there is no job of that name.
 * - `job-stopped`: the process stops, and the job with it; nothing of it is half done.
 * - `job-failed`: a job failed for a reason that has no code of its own; its run's record says which.
 * - `tests-no-gold`: there is no Gold table to test yet; refresh first.
 * - `tests-silver-gone`: the log no longer knows the version of Silver that Gold stands for; refresh first.
 */
export type PipelineErrorCode =
  | 'lake-owned'
  | 'lake-log-mismatch'
  | 'lake-log-gone'
  | 'ingest-corrupt-range'
  | 'ingest-fenced'
  | 'ingest-failed'
  | 'ingest-tail-uncommitted'
  | 'restore-not-possible'
  | 'restore-log-gone'
  | 'replay-change-invalid'
  | 'refresh-fenced'
  | 'refresh-out-of-memory'
  | 'refresh-no-silver'
  | 'job-unknown'
  | 'job-stopped'
  | 'job-failed'
  | 'tests-no-gold'
  | 'tests-silver-gone';

export class PipelineError extends ClicklakeError<PipelineErrorCode> {}

import { ClicklakeError } from '@clicklake/errors';

/**
 * - `log-full`: the disk limit, the free-space floor or the disk itself leaves no room; nothing was accepted.
 *   Retryable: retention, or somebody who frees space, makes room.
 * - `log-writer-failed`: a write or fsync failed, so what is on the disk is unknown until the log is opened
 *   again (S5.1). Every later append of this writer fails the same way.
 * - `log-closed`: the writer or reader was closed.
 * - `log-locked`: another live writer has the log open; `details.pid` names it.
 * - `log-offset-out-of-range`: the offset is below the first retained record, or beyond the durable end.
 * - `log-corrupt-range`: the records `details.from` to `details.to` (exclusive) cannot be read.
 * - `log-invalid-record`: a record that cannot be stored: too large, or a fingerprint that is too long.
 * - `log-invalid-argument`: no such partition, or a group name that is no name.
 * - `log-directory-unwritable`: the directory, or its file system, refuses this process to write.
 * - `log-format-unknown`: the directory holds no log of a format this version reads.
 */
export type EventLogErrorCode =
  | 'log-full'
  | 'log-writer-failed'
  | 'log-closed'
  | 'log-locked'
  | 'log-offset-out-of-range'
  | 'log-corrupt-range'
  | 'log-invalid-record'
  | 'log-invalid-argument'
  | 'log-directory-unwritable'
  | 'log-format-unknown';

export class EventLogError extends ClicklakeError<EventLogErrorCode> {}

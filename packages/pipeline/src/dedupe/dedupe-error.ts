import { ClicklakeError } from '@clicklake/errors';

/**
 * - `dedupe-state-corrupt`: bytes of the saved state fail their checksum. The state has been discarded:
 *   `clear` the index (or open it again) and rebuild it from Silver.
 * - `dedupe-batch-invalid`: a row does not fit an entry (offset, partition or received_at out of range).
 * - `dedupe-index-closed`: the index was used after `close`.
 */
export type DedupeErrorCode = 'dedupe-state-corrupt' | 'dedupe-batch-invalid' | 'dedupe-index-closed';

export class DedupeError extends ClicklakeError<DedupeErrorCode> {}

export function corruptState(what: string, cause?: unknown): DedupeError {
  return new DedupeError({
    code: 'dedupe-state-corrupt',
    message: `The saved deduplication state is damaged: ${what}.`,
    hint: 'Nothing is lost: it is rebuilt from Silver. Check the disk if this repeats.',
    retryable: true,
    cause,
  });
}

export function isCorruptState(error: unknown): error is DedupeError {
  return error instanceof DedupeError && error.code === 'dedupe-state-corrupt';
}

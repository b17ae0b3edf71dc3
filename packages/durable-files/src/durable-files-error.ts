import { ClicklakeError } from '@clicklake/errors';

/**
 * - `files-lock-held`: another live process holds the lock; `details.pid` names it.
 */
export type DurableFilesErrorCode = 'files-lock-held';

export class DurableFilesError extends ClicklakeError<DurableFilesErrorCode> {}

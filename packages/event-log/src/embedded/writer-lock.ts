import { join } from 'node:path';
import { acquireLock, DurableFilesError, readLockOwner, type Lock } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';

/** The owner's role until the published ends are true: who reads them before may see less than is durable. */
const recovering = 'recovering the event log';

/**
 * Keeps every writer out of an embedded log's directory, for whoever moves or deletes it.
 *
 * @param role what the others are told of the owner.
 * @throws EventLogError `log-locked` with the owner in `details`.
 */
export async function lockForWriting(directory: string, role = recovering): Promise<Lock> {
  try {
    return await acquireLock(lockPath(directory), role, `The event log ${directory}`);
  } catch (error) {
    if (!(error instanceof DurableFilesError)) throw error;
    throw new EventLogError({
      code: 'log-locked',
      message: error.message,
      hint: error.hint,
      details: error.details,
      cause: error,
    });
  }
}

/** Whether some writer, in any process, has the log open, and has recovered it. */
export async function writerState(directory: string): Promise<'none' | 'recovering' | 'ready'> {
  const owner = await readLockOwner(lockPath(directory));
  if (owner === undefined) return 'none';
  return owner.role === recovering ? 'recovering' : 'ready';
}

function lockPath(directory: string): string {
  return join(directory, 'writer.lock');
}

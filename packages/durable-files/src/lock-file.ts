import { open, readFile, rm } from 'node:fs/promises';
import { DurableFilesError } from './durable-files-error.ts';
import { processStartTime } from './process-start-time.ts';

/** Who holds a lock, as written into the lock file. */
export interface LockOwner {
  readonly pid: number;
  /** Start time of the process, opaque: with the pid it names a process beyond pid reuse. */
  readonly started: string;
  /** What the owner does with it: `up`, `collect`, `ingest`. */
  readonly role: string;
  /** Where the owner answers, when it does: `http://127.0.0.1:8084`. */
  readonly url: string | null;
}

export interface Lock {
  readonly owner: LockOwner;
  /** Rewrites the owner's record (its url is known only once it listens). */
  describe(change: Partial<Pick<LockOwner, 'role' | 'url'>>): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock for this process. A lock left by a process that is gone is taken over: the pid
 * must be alive and have the same start time to count.
 *
 * @throws DurableFilesError `files-lock-held` with the owner in `details`.
 */
export async function acquireLock(path: string, role: string, what: string): Promise<Lock> {
  const mine: LockOwner = { pid: process.pid, started: await processStartTime(process.pid), role, url: null };
  for (;;) {
    if (await createExclusively(path, mine)) return heldLock(path, mine);
    const owner = await readLockOwner(path);
    if (owner !== undefined) throw heldBy(owner, what);
    await rm(path, { force: true });
  }
}

/** The live owner of a lock; undefined when nobody holds it. */
export async function readLockOwner(path: string): Promise<LockOwner | undefined> {
  const owner = parseOwner(await readFile(path, 'utf8').catch(() => ''));
  if (owner === undefined) return undefined;
  return (await processStartTime(owner.pid)) === owner.started ? owner : undefined;
}

async function createExclusively(path: string, owner: LockOwner): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', 0o600);
    await handle.writeFile(JSON.stringify(owner));
    await handle.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

import { createHash, randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { DurableFilesError } from './durable-files-error.ts';
import {
  isAlive,
  newLockRecord,
  ownerOf,
  parseLockRecord,
  type LockOwner,
  type LockRecord,
} from './lock-owner.ts';

export interface Lock {
  readonly owner: LockOwner;
  /** Rewrites the owner's record (its url is known only once it listens). */
  describe(change: Partial<Pick<LockOwner, 'role' | 'url'>>): Promise<void>;
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * Takes an exclusive lock for this process, readable by its user only. A lock left by a process that is gone
 * is taken over: the pid must be alive and have the same start time to count.
 *
 * The file appears with its content (link of a finished file), so an unreadable one has no live owner. Only
 * the process that holds the guard named by a dead owner's id may replace that owner's file, and only while
 * it still is that owner's: of any number of contenders one wins. The guard is such a lock itself.
 *
 * It locks among processes that see each other: one machine, one pid namespace.
 *
 * @param what what is locked, for the error: `the event log /lake/log`.
 * @throws DurableFilesError `files-lock-held` with the owner in `details`.
 */
export async function acquireLock(path: string, role: string, what: string): Promise<Lock> {
  const mine = await newLockRecord(role);
  for (;;) {
    if (await createExclusively(path, mine)) return heldLock(path, mine);
    const found = await readLockFile(path);
    if (found === undefined) continue;
    if (found.live !== undefined) throw heldBy(found.live, path, what);
    if (await takeOver(path, found.id, mine)) return heldLock(path, mine);
  }
}

/** The live owner of a lock; undefined when nobody holds it. */
export async function readLockOwner(path: string): Promise<LockOwner | undefined> {
  return (await readLockFile(path))?.live;
}

interface LockFile {
  /** Of this taking of the lock; for a file that cannot be read, of its bytes. */
  readonly id: string;
  readonly live: LockOwner | undefined;
}

async function readLockFile(path: string): Promise<LockFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const record = parseLockRecord(text);
  if (record === undefined)
    return { id: createHash('sha256').update(text).digest('hex').slice(0, 36), live: undefined };
  return { id: record.id, live: (await isAlive(record)) ? ownerOf(record) : undefined };
}

/** Replaces a dead owner's file by ours; false when somebody else did, or is about to. */
async function takeOver(path: string, deadId: string, mine: LockRecord): Promise<boolean> {
  let guard: Lock;
  try {
    guard = await acquireLock(`${path}.${deadId.slice(0, 8)}`, mine.role, path);
  } catch (error) {
    if (!(error instanceof DurableFilesError)) throw error;
    await delay(5);
    return false;
  }
  try {
    const found = await readLockFile(path);
    if (found?.id !== deadId) return false;
    await replace(path, mine);
    return true;
  } finally {
    await guard.release();
  }
}

function heldLock(path: string, mine: LockRecord): Lock {
  let current = mine;
  let released = false;
  return {
    get owner() {
      return ownerOf(current);
    },
    async describe(change) {
      if (released) return;
      current = { ...current, ...change };
      await replace(path, current);
    },
    async release() {
      if (released) return;
      released = true;
      // A directory that was deleted and locked anew under the same name is not ours to unlock.
      if ((await readLockFile(path))?.id === mine.id) await rm(path, { force: true });
    },
  };
}

async function createExclusively(path: string, record: LockRecord): Promise<boolean> {
  const temporary = await stage(path, record);
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function replace(path: string, record: LockRecord): Promise<void> {
  await rename(await stage(path, record), path);
}

/** A full disk leaves no half of it behind. */
async function stage(path: string, record: LockRecord): Promise<string> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return temporary;
}

function heldBy(owner: LockOwner, path: string, what: string): DurableFilesError {
  const where = owner.url === null ? '' : ` at ${owner.url}`;
  return new DurableFilesError({
    code: 'files-lock-held',
    message: `${what} is in use by process ${owner.pid} (${owner.role}${where}), which holds ${path}.`,
    hint: `Stop process ${owner.pid}, or let it do the work: one process writes at a time.`,
    details: { pid: owner.pid, role: owner.role, url: owner.url, path },
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

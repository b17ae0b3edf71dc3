import { randomUUID } from 'node:crypto';
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

/** The lock file's content: the owner, and an id that tells one taking of the lock from every other. */
export interface LockRecord extends LockOwner {
  readonly id: string;
}

export async function newLockRecord(role: string): Promise<LockRecord> {
  return {
    id: randomUUID(),
    pid: process.pid,
    started: (await processStartTime(process.pid)) ?? '',
    role,
    url: null,
  };
}

/** Undefined for anything that `newLockRecord` did not make: what a power cut left of a lock file. */
export function parseLockRecord(text: string): LockRecord | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isLockRecord(parsed) ? parsed : undefined;
}

export function ownerOf({ pid, started, role, url }: LockRecord): LockOwner {
  return { pid, started, role, url };
}

export async function isAlive(owner: LockOwner): Promise<boolean> {
  return (await processStartTime(owner.pid)) === owner.started;
}

function isLockRecord(value: unknown): value is LockRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'string' &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    Number.isSafeInteger(value.pid) &&
    value.pid > 0 &&
    'started' in value &&
    typeof value.started === 'string' &&
    'role' in value &&
    typeof value.role === 'string' &&
    'url' in value &&
    (value.url === null || typeof value.url === 'string')
  );
}

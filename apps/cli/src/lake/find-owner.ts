import { setTimeout as delay } from 'node:timers/promises';
import { readLockOwner } from '@clicklake/durable-files';
import { CliError } from '../cli-error.ts';

/** A live process that holds a lock, and where it answers. */
export interface ReachableOwner {
  readonly pid: number;
  readonly role: string;
  readonly url: string;
}

/** An owner that starts takes the lock first and says where it listens a little later. */
const patienceMs = 5_000;
const pollMs = 100;

/**
 * Who holds a lock (S6.3); undefined when nobody does.
 *
 * @throws CliError `cli-owned-elsewhere` when the owner serves no API: a one-off command, or one that hangs.
 */
export async function findOwner(lockPath: string): Promise<ReachableOwner | undefined> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const owner = await readLockOwner(lockPath);
    if (owner === undefined) return undefined;
    const { pid, role, url } = owner;
    if (url !== null) return { pid, role, url };
    if (performance.now() > giveUpAt) throw ownedBy(pid, role);
    await delay(pollMs);
  }
}

function ownedBy(pid: number, role: string): CliError {
  return new CliError({
    code: 'cli-owned-elsewhere',
    message: `Process ${pid} (${role}) owns the lake and serves no API.`,
    hint: `Wait until it has finished, or stop it: kill ${pid}.`,
    details: { pid, role },
  });
}

import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Where the query engine of this process spills: not below `lake/`, which other engines read (S6.4). */
export function queryScratch(scratch: string): string {
  return `${scratch}-query-${process.pid}`;
}

/** Removes what engines of processes that were killed left behind: spilled rows, and the tail's. */
export async function removeAbandonedQueryScratch(scratch: string): Promise<void> {
  const names = await readdir(dirname(scratch)).catch(() => []);
  const prefix = `${basename(scratch)}-query-`;
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const pid = Number.parseInt(name.slice(prefix.length), 10);
    if (pid === process.pid || !isAlive(pid)) {
      await rm(join(dirname(scratch), name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is one too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { readFile } from 'node:fs/promises';

/**
 * When a process started, as opaque text; undefined when no such process runs (a zombie does not run: its
 * files are closed). With the pid it names one process, though pids are used again.
 *
 * Linux tells the start in ticks since boot, so the boot's id is part of it. Elsewhere the answer is the same
 * for every live process, and a pid that was reused counts as the old owner: an error, never two owners.
 */
export async function processStartTime(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return isRunning(pid) ? 'running' : undefined;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The command's name, in parentheses, may itself hold spaces and parentheses: fields count from the last one.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z' || state === 'X') return undefined;
  const ticks = fields[18];
  if (ticks === undefined) return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${boot.trim()}:${ticks}`;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

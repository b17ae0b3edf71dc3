/**
 * Named places where a test may kill the process, so that each window between two durable steps can be
 * hit exactly. Production passes `noCrashPoints`.
 */
export interface CrashPoints {
  /** Returns, or never does: the process is gone. */
  reach(name: string): void;
}

export const noCrashPoints: CrashPoints = { reach: () => undefined };

/**
 * `CLICKLAKE_CRASH_AT=name` or `name:3` (the third time): the process kills itself there with SIGKILL, as
 * the kernel would. Only the CLI's composition root builds this one.
 */
export function environmentCrashPoints(setting: string | undefined): CrashPoints {
  if (setting === undefined || setting === '') return noCrashPoints;
  const [wanted, times] = setting.split(':');
  let remaining = Number(times ?? '1');
  return {
    reach(name) {
      if (name !== wanted) return;
      remaining -= 1;
      if (remaining <= 0) process.kill(process.pid, 'SIGKILL');
    },
  };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';

export interface ChildResult {
  readonly signal: string | null;
  readonly code: number | null;
  readonly stderr: string;
}

/** What the child process does, in this order, on the home it is given. */
export interface ChildTask {
  readonly home: string;
  readonly crashAt?: string;
  readonly steps: readonly (
    | 'catch-up'
    | 'replay'
    | 'refresh'
    | 'restore'
    | 'discard'
    | 'optimize'
    | 'vacuum'
    | 'checkpoint-often'
    | 'retention'
    | 'clean-up-log'
    | 'silver-retention'
  )[];
  /** What a restore goes back to; 1 by default. */
  readonly version?: number;
  readonly settings?: Readonly<Record<string, number>>;
  readonly contract?: Readonly<Record<string, number>>;
}

/** Runs ingest in a process of its own, which a crash point may kill as the kernel would. */
export function runChild(task: ChildTask): Promise<ChildResult> {
  const program = join(import.meta.dirname, 'ingest-process.ts');
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=source', '--no-warnings', program, JSON.stringify(task)],
      { env: { ...process.env, CLICKLAKE_CRASH_AT: task.crashAt ?? '' } },
      (error, _stdout, stderr) => {
        resolve({
          signal: error?.signal ?? null,
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : null,
          stderr,
        });
      },
    );
  });
}

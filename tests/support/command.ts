import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './repository.ts';

export interface CommandOutcome {
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs `clicklake` in a process of its own, with no configuration but `argv` and the directory's. */
export async function clicklake(directory: string, ...argv: string[]): Promise<CommandOutcome> {
  const main = join(root, 'apps/cli/src/main.ts');
  const child = spawn(process.execPath, ['--conditions=source', main, ...argv], {
    cwd: directory,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

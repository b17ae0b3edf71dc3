import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

function run(setting: string): { signal: string | null; printed: string } {
  const script = `
    import { environmentCrashPoints } from '@clicklake/durable-files';
    const points = environmentCrashPoints(process.env.CLICKLAKE_CRASH_AT);
    for (const name of ['a', 'b', 'a', 'b']) { process.stdout.write(name); points.reach(name); }`;
  const args = ['--conditions=source', '--input-type=module', '-e', script];
  const env = { ...process.env, CLICKLAKE_CRASH_AT: setting };
  const { signal, stdout } = spawnSync(process.execPath, args, {
    cwd: import.meta.dirname,
    env,
    encoding: 'utf8',
  });
  return { signal, printed: stdout };
}

describe('environmentCrashPoints', () => {
  it.each([
    ['b', 'ab', 'SIGKILL'],
    ['b:2', 'abab', 'SIGKILL'],
    ['c', 'abab', null],
    ['', 'abab', null],
  ])('kills the process at %j', (setting, printed, signal) => {
    expect(run(setting)).toEqual({ signal, printed });
  });
});

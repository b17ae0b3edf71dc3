import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { launchOptions } from '../bin/launch-options.mjs';

const bin = fileURLToPath(new URL('../bin/clicklake.mjs', import.meta.url));

describe('what Node is started with', () => {
  it('is little memory for what runs for days, and speed for a catch-up that ends by itself', () => {
    const environment = { UV_THREADPOOL_SIZE: '8', MALLOC_ARENA_MAX: '2' };
    expect(launchOptions(['up', '--json'], {})).toEqual({
      flags: ['--max-semi-space-size=4'],
      environment,
    });
    expect(launchOptions(['ingest', '--until-caught-up'], {})).toEqual({
      flags: ['--heap-growing-percent=500'],
      environment,
    });
  });

  it.each([
    '--max-semi-space-size=32',
    '--max_semi_space_size=32',
    '--no-warnings --max-semi-space-size=32 --enable-source-maps',
    '"--max-semi-space-size=32"',
  ])('leaves alone what NODE_OPTIONS says: %s', (given) => {
    expect(launchOptions(['up'], { NODE_OPTIONS: given }).flags).toEqual([]);
    expect(launchOptions(['ingest', '--until-caught-up'], { NODE_OPTIONS: given }).flags).toHaveLength(1);
  });

  it('has its flag beside other ones in NODE_OPTIONS, also one whose name begins alike', () => {
    const given = '--no-warnings --max-semi-space-size-other=1';
    expect(launchOptions(['up'], { NODE_OPTIONS: given }).flags).toHaveLength(1);
  });

  it('leaves alone what the environment says of threads and arenas', () => {
    const given = { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '1' };
    expect(launchOptions(['up'], given).environment).toEqual(given);
  });
});

// Where a process can be looked at from outside.
describe.runIf(process.platform === 'linux')('the process that `clicklake` starts', () => {
  let directory = '';
  let running: ChildProcess | undefined;
  afterEach(async () => {
    if (running?.exitCode === null) {
      running.kill('SIGTERM');
      await once(running, 'exit');
    }
    await rm(directory, { recursive: true, force: true });
  });

  async function launched(env: Readonly<Record<string, string>>) {
    directory = await mkdtemp(join(tmpdir(), 'clicklake-launch-'));
    const child = spawn(process.execPath, [bin, 'collect', '--json', '--collector-port', '0'], {
      cwd: directory,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running = child;
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { pid } = JSON.parse(line) as { pid: number };
    const parts = async (file: string): Promise<readonly string[]> =>
      (await readFile(`/proc/${pid}/${file}`, 'utf8')).split('\0');
    return { args: await parts('cmdline'), environment: await parts('environ') };
  }

  it('has all of it', async () => {
    const { args, environment } = await launched({});
    expect(args).toContain('--max-semi-space-size=4');
    expect(environment).toEqual(expect.arrayContaining(['UV_THREADPOOL_SIZE=8', 'MALLOC_ARENA_MAX=2']));
  });

  it('has what its user says instead', async () => {
    const given = {
      NODE_OPTIONS: '--max-semi-space-size=32',
      UV_THREADPOOL_SIZE: '5',
      MALLOC_ARENA_MAX: '7',
    };
    const { args, environment } = await launched(given);
    expect(args.filter((arg) => arg.includes('semi-space'))).toEqual([]);
    expect(environment).toEqual(
      expect.arrayContaining(Object.entries(given).map(([name, value]) => `${name}=${value}`)),
    );
  });
});

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let directory: string;
let running: ChildProcess | undefined;

// A real, small disk: mounting needs root, which CI is.
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-full-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', directory]);
});
afterEach(async () => {
  if (running?.exitCode === null && running.signalCode === null) {
    running.kill('SIGKILL');
    await once(running, 'exit');
  }
  // Lazily: the query process of one that was killed is gone a moment later.
  execFileSync('umount', ['-l', directory]);
  await rm(directory, { recursive: true });
});

function start(...argv: string[]) {
  return spawn(process.execPath, ['--conditions=source', main, ...argv], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, CLICKLAKE_PORT: '0', CLICKLAKE_COLLECTOR_PORT: '0' },
  });
}

async function run(...argv: string[]): Promise<{ code: number | null; stdout: string }> {
  const child = start(...argv);
  child.stderr.resume();
  const [[code], stdout] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stdout),
  ]);
  return { code, stdout };
}

it('on a full disk `up` stops when it is asked to, says what is wrong, and loses nothing', async () => {
  const settings = ['--set', 'log.min_free=0B', '--set', 'ingest.commit_interval=1h'];
  const up = start('up', '--json', '--no-simulator', ...settings);
  running = up;
  const talk = text(up.stderr);
  await once(createInterface({ input: up.stdout }), 'line');
  expect((await run('produce', '--events', '500', '--duplicates', '0', '--malformed', '0')).code).toBe(0);

  const ballast = join(directory, 'ballast');
  await expect(writeFile(ballast, Buffer.alloc(64 * 2 ** 20))).rejects.toMatchObject({ code: 'ENOSPC' });
  up.kill('SIGINT');
  const [code] = (await once(up, 'exit')) as [number | null];
  expect(code).toBeGreaterThan(0);
  expect(await talk).toContain('Nothing is lost');
  const left = await readdir(join(directory, '.clicklake'));
  expect(left.filter((name) => name.includes('.lock'))).toEqual([]);

  await rm(ballast);
  expect((await run('ingest', '--until-caught-up')).code).toBe(0);
  const ledger = await run('ledger', '--deep', '--json');
  expect(ledger.code).toBe(0);
  expect(JSON.parse(ledger.stdout)).toMatchObject({ silver: 500, in_flight: 0, balanced: true });
});

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

let directory: string;
const children = new Set<ChildProcess>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-e2e-'));
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  children.clear();
  await rm(directory, { recursive: true, force: true });
});

function start(...argv: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=source', main, ...argv], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, CLICKLAKE_PORT: '0', CLICKLAKE_COLLECTOR_PORT: '0' },
  });
  children.add(child);
  return child;
}

async function run(...argv: string[]): Promise<{ code: number | null; stdout: string }> {
  const child = start(...argv);
  let stdout = '';
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  child.stderr?.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout };
}

/** Starts `up` and waits until it says where it answers. */
async function startUp(): Promise<{ child: ChildProcess; url: string }> {
  const child = start('up', '--json', '--rate', '100');
  child.stderr?.resume();
  if (child.stdout === null) throw new Error('No stdout.');
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, url: (JSON.parse(line) as { url: string }).url };
  }
  throw new Error('`up` ended before it was ready.');
}

describe('the real command', () => {
  it('serves, produces, answers, stops on SIGTERM with the tail committed, and goes on', async () => {
    const first = await startUp();
    expect(await (await fetch(`${first.url}/api/status`)).json()).toMatchObject({ ready: true });
    expect((await run('produce', '--events', '500', '--seed', 'e2e')).code).toBe(0);
    const counted = await run(
      'sql',
      'SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM silver',
      '--json',
    );
    const [row] = JSON.parse(counted.stdout) as { n: number; d: number }[];
    expect(row?.n).toBe(row?.d);

    first.child.kill('SIGTERM');
    expect(await once(first.child, 'exit')).toEqual([0, null]);
    const stopped = await run('ledger', '--deep', '--json');
    expect(stopped.code).toBe(0);
    const ledger = JSON.parse(stopped.stdout) as { silver: number };
    expect(ledger).toMatchObject({ balanced: true });
    expect(ledger.silver).toBeGreaterThanOrEqual(row?.n ?? Infinity);

    const second = await startUp();
    second.child.kill('SIGINT');
    expect(await once(second.child, 'exit')).toEqual([0, null]);
    const after = JSON.parse((await run('ledger', '--json')).stdout) as { silver: number };
    expect(after).toMatchObject({ balanced: true });
    expect(after.silver).toBeGreaterThanOrEqual(ledger.silver);
  });

  it('loses nothing when it is killed, and the next start takes over its locks', async () => {
    const { child, url } = await startUp();
    expect(
      (await run('produce', '--events', '300', '--duplicates', '0', '--malformed', '0', '--seed', 'killed'))
        .code,
    ).toBe(0);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await expect(fetch(`${url}/api/status`)).rejects.toThrow();

    expect((await run('ingest', '--until-caught-up')).code).toBe(0);
    const { code, stdout } = await run('ledger', '--deep', '--json');
    expect(code).toBe(0);
    const ledger = JSON.parse(stdout) as { silver: number };
    expect(ledger).toMatchObject({ in_flight: 0, balanced: true });
    expect(ledger.silver).toBeGreaterThanOrEqual(300);
  });

  it('is what `npx clicklake` starts, on whatever Node there is', async () => {
    const bin = fileURLToPath(new URL('../bin/clicklake.mjs', import.meta.url));
    const child = spawn(process.execPath, [bin, 'ledger', '--json'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const [[code], stdout] = await Promise.all([
      once(child, 'exit') as Promise<[number]>,
      text(child.stdout),
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ appended: 0, balanced: true });
  });

  it('ends quietly when its reader has enough', async () => {
    await run('produce', '--events', '3000', '--back-fill', '--days', '1');
    const tail = start('tail', '--last', '3000', '--no-follow');
    tail.stdout?.once('data', () => tail.stdout?.destroy());
    let stderr = '';
    tail.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    const [code] = (await once(tail, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(stderr).toBe('');
  });
});

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/repository.ts';
import { freePort } from './support/free-port.ts';

/** What a newcomer has: the last commit, npm with nothing in its cache, and no settings of this run. */
let directory: string;
let clone: string;
let environment: NodeJS.ProcessEnv;
let ports: { admin: number; collector: number };
let started: ChildProcess | undefined;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-clone-'));
  clone = join(directory, 'clicklake');
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', root, clone]);
  ports = { admin: await freePort(), collector: await freePort() };
  const ofThisRun = /^(npm_(?!config_)|VITEST|NODE_(ENV|OPTIONS|PATH)$|INIT_CWD$|CLICKLAKE_)/;
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'));
  environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofThisRun.test(name))),
    PATH: path.join(delimiter),
    npm_config_cache: join(directory, 'npm-cache'),
    CLICKLAKE_PORT: String(ports.admin),
    CLICKLAKE_COLLECTOR_PORT: String(ports.collector),
  };
});
afterAll(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
afterEach(() => {
  // What a failed test left: npm leads a group of its own.
  if (started?.pid !== undefined && started.exitCode === null && started.signalCode === null)
    process.kill(-started.pid, 'SIGKILL');
  started = undefined;
});

function npm(args: readonly string[], cwd = clone): ChildProcess {
  started = spawn('npm', args, { cwd, env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  return started;
}

/** Waits until `npm start` says that it is ready; everything that it said until then. */
async function ready({ stdout, stderr }: ChildProcess): Promise<string> {
  const said = Promise.withResolvers<string>();
  let talk = '';
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      talk += chunk;
      if (talk.includes('Ctrl-C stops')) said.resolve(talk);
    });
    stream?.once('end', () => said.reject(new Error(`It ended before it was ready:\n${talk}`)));
  }
  return said.promise;
}

async function sql(statement: string): Promise<readonly (readonly unknown[])[]> {
  const token = (await readFile(join(clone, '.clicklake/secrets/api-token'), 'utf8')).trim();
  const answer = await fetch(`http://127.0.0.1:${ports.admin}/api/sql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sql: statement }),
  });
  return ((await answer.json()) as { rows: unknown[][] }).rows;
}

/** Nothing that runs works in the clone or was started from it, and both ports are free. */
async function expectNothingLeft(): Promise<void> {
  expect(await processesOf(clone)).toEqual([]);
  for (const port of Object.values(ports)) await expect(canListen(port)).resolves.toBe(true);
}

/** The ledger as another newcomer's command sees it: nothing runs, and nothing was left uncommitted. */
async function expectCommitted(): Promise<void> {
  const child = spawn('npx', ['clicklake', 'ledger', '--deep', '--json'], { cwd: clone, env: environment });
  const [ledger] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(JSON.parse(ledger)).toMatchObject({ balanced: true, in_flight: 0 });
}

describe('a fresh clone, with an empty npm cache', () => {
  it('npm start installs, serves, shows events; SIGTERM to npm alone stops all of it', async () => {
    const child = npm(['start']);
    const talk = await ready(child);
    expect(talk).toContain('Installing dependencies from the lockfile (once)');
    expect(talk).toMatch(/clicklake \S+ is ready in/);
    expect(talk).toContain(`http://127.0.0.1:${ports.admin}/login?code=`);
    const status = await fetch(`http://127.0.0.1:${ports.admin}/api/status`);
    expect(await status.json()).toMatchObject({ ready: true });
    await expect
      .poll(async () => (await sql('SELECT count(*)::INTEGER FROM silver'))[0]?.[0])
      .toBeGreaterThan(2);

    process.kill(child.pid ?? 0, 'SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expectNothingLeft();
    await expectCommitted();
  });

  it('the next npm start installs nothing and has the events; Ctrl-C stops all of it', async () => {
    const child = npm(['start']);
    expect(await ready(child)).not.toContain('Installing');
    const before = Number((await sql('SELECT count(*)::INTEGER FROM silver'))[0]?.[0]);
    expect(before).toBeGreaterThan(2);
    await expect
      .poll(async () => (await sql('SELECT count(*)::INTEGER FROM silver'))[0]?.[0])
      .toBeGreaterThan(before);

    // As the terminal does it: to every process of the group.
    process.kill(-(child.pid ?? 0), 'SIGINT');
    expect(await once(child, 'exit')).toEqual([0, null]);
    await expectNothingLeft();
    await expectCommitted();
  });

  it('npm test runs what it is asked to, from the clone and from elsewhere', async () => {
    const small = 'packages/durable-files/test/crash-points.test.ts';
    for (const [args, cwd] of [
      [['test', '--', small], clone],
      [['--prefix', clone, 'test', '--', small], directory],
    ] as const) {
      const child = npm(args, cwd);
      if (child.stdout === null || child.stderr === null) throw new Error('No output to read from.');
      const [[code], stdout, stderr] = await Promise.all([
        once(child, 'exit') as Promise<[number | null]>,
        text(child.stdout),
        text(child.stderr),
      ]);
      expect(code, stdout + stderr).toBe(0);
      expect(stripVTControlCharacters(stdout)).toMatch(/Test Files +1 passed/);
    }
    await expectNothingLeft();
  });
});

/** Command lines of processes that were started from below the directory, or work there. */
async function processesOf(place: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
    const works = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (command.includes(place) || works.startsWith(place)) found.push(`${pid} ${command}`);
  }
  return found;
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  const can = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]);
  if (can) server.close();
  return can;
}

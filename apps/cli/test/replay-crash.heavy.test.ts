import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const children = new Set<ChildProcess>();
let template: string;
let directory: string;

/** A real process, which a crash point may kill as the kernel would. */
function start(argv: readonly string[], crashAt = '', cwd = directory): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=source', main, ...argv, '--json'], {
    cwd,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      CLICKLAKE_PORT: '0',
      CLICKLAKE_COLLECTOR_PORT: '0',
      CLICKLAKE_CRASH_AT: crashAt,
    },
  });
  children.add(child);
  return child;
}

function outputOf({ stdout }: ChildProcess): Readable {
  if (stdout === null) throw new Error('No stdout.');
  return stdout;
}

async function run(argv: readonly string[], crashAt = '', cwd = directory) {
  const child = start(argv, crashAt, cwd);
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  const stdout = await text(outputOf(child));
  const [code, signal] = await closed;
  return { code, signal, stdout };
}

/** The first line that a process says. */
async function ready(child: ChildProcess): Promise<void> {
  for await (const line of createInterface({ input: outputOf(child) })) {
    expect(JSON.parse(line)).toMatchObject({ ready: true });
    return;
  }
  throw new Error('It ended before it was ready.');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Hundreds of malformed records, most of which one command mends, in several appends. */
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'clicklake-replay-template-'));
  const rates = ['--malformed', '0.9', '--late', '0', '--duplicates', '0'];
  const produce = ['produce', '--events', '800', '--seed', 'replay', '--back-fill', '--days', '1', ...rates];
  expect(await run(produce, '', template)).toMatchObject({ code: 0 });
  expect(await run(['ingest', '--until-caught-up'], '', template)).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => rm(template, { recursive: true, force: true }));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-replay-crash-'));
  await cp(template, directory, { recursive: true });
});
afterEach(async () => {
  await Promise.all([...children].map(stop));
  children.clear();
  await rm(directory, { recursive: true, force: true });
});

const replay = [
  ...['dead-letters', 'replay', '--all', '--only-valid'],
  ...['--set', 'event_type=page_view', '--set', 'user_id=ada'],
  ...[
    '--unset',
    'time_on_page',
    '--unset',
    'timestamp',
    '--unset',
    'scroll_depth',
    '--unset',
    'click_coordinates',
  ],
];

/** Every dead letter that can be mended so is in Silver once, and every record in one place. */
async function expectEachOnce(): Promise<void> {
  expect(await run(['ingest', '--until-caught-up'])).toMatchObject({ code: 0 });
  const ledger = JSON.parse((await run(['ledger', '--deep'])).stdout) as { silver: number };
  expect(ledger).toMatchObject({ balanced: true, in_flight: 0, deep: { missing: [], repeated: [] } });
  const asked = await run([
    'sql',
    'SELECT count(*) AS n, count(DISTINCT replay_of) AS d FROM silver WHERE replay_of IS NOT NULL',
  ]);
  const [{ n, d } = { n: 0, d: 0 }] = JSON.parse(asked.stdout) as { n: number; d: number }[];
  expect(n).toBe(d);
  // More than one append of 250 takes; how many can be mended so depends on the hour.
  expect(n).toBeGreaterThan(250);
  const again = JSON.parse((await run(replay)).stdout) as Record<string, number>;
  expect(again).toMatchObject({ accepted: 0, 'replayed-before': n });
}

describe('kill -9 in a replay; the command again (S8)', () => {
  it.each(['replay-after-append:2'])('%s, with the log for itself', async (crashAt) => {
    expect(await run(replay, crashAt)).toMatchObject({ signal: 'SIGKILL' });
    expect((await run(replay)).signal).toBeNull();
    await expectEachOnce();
  });

  it.each(['replay-before-append:2', 'replay-after-append:2'])('%s, in `up`', async (crashAt) => {
    const up = start(['up', '--no-simulator'], crashAt);
    await ready(up);
    const exit = once(up, 'exit');
    expect((await run(replay)).code).toBe(4);
    expect(await exit).toEqual([null, 'SIGKILL']);
    await ready(start(['up', '--no-simulator']));
    expect((await run(replay)).signal).toBeNull();
    await expectEachOnce();
  });

  it.each(['replay-after-append:2'])('%s, in `collect`', async (crashAt) => {
    const collect = start(['collect'], crashAt);
    await ready(collect);
    await ready(start(['ingest']));
    const exit = once(collect, 'exit');
    expect((await run(replay)).code).not.toBe(0);
    expect(await exit).toEqual([null, 'SIGKILL']);
    await ready(start(['collect']));
    expect((await run(replay)).signal).toBeNull();
    await expectEachOnce();
  });
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openKeyStore } from '@clicklake/collector';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { homePaths } from '../src/lake/home.ts';
import { serverKeyOf } from '../src/produce/server-key.ts';
import { freePort } from '../../../tests/support/free-port.ts';
import { startProduct, type ProductProcess } from './support/product-process.ts';
import { mountBreakingDisk, mountTmpfs, type BreakingDisk, type SmallDisk } from './support/small-disk.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
let disk: SmallDisk | BreakingDisk | undefined;
let ports: { admin: number; collector: number };
let running: ProductProcess | undefined;

beforeEach(async () => {
  ports = { admin: await freePort(), collector: await freePort() };
});
afterEach(async () => {
  await running?.end('SIGKILL');
  running = undefined;
  await disk?.remove();
  disk = undefined;
});

function start(command: 'up' | 'collect', home: string, settings: Readonly<Record<string, string>>) {
  running = startProduct(command, { home, ports, settings });
  return running;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: number;
  readonly code: string | undefined;
  readonly hint: string | undefined;
}

/** A sender who remembers which events were taken. */
interface Sender {
  readonly acknowledged: readonly string[];
  /** A valid event, and a record that is none, with so many bytes each. */
  send(id: string, bytes?: number): Promise<Answer>;
}

async function openSender(home: string): Promise<Sender> {
  const key = serverKeyOf((await openKeyStore(homePaths(home).writeKeys)).list());
  const acknowledged: string[] = [];
  return {
    acknowledged,
    async send(id, bytes = 10_000) {
      const event = { event_id: id, event_type: 'page_view', user_id: 'ada', text: 'x'.repeat(bytes) };
      const answer = await fetch(`http://127.0.0.1:${ports.collector}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify([event, { ...event, event_id: `no ${id}`, user_id: 4711 }]),
      });
      const body = (await answer.json()) as { readonly code?: string; readonly hint?: string };
      if (answer.status === 200) acknowledged.push(id);
      const retryAfter = Number(answer.headers.get('retry-after'));
      return { status: answer.status, retryAfter, code: body.code, hint: body.hint };
    },
  };
}

/** Sends until something else than 200 is the answer. */
async function sendUntilRefused(sender: Sender, prefix: string): Promise<Answer> {
  for (let index = 0; ; index += 1) {
    const answer = await sender.send(`${prefix}-${index}`);
    if (answer.status !== 200) return answer;
  }
}

/** As a client that was told to come again: the log looks at its disk once a second, and goes by what it saw. */
async function sendUntilTaken(sender: Sender, prefix: string): Promise<void> {
  let attempt = 0;
  await expect.poll(async () => (await sender.send(`${prefix}-${(attempt += 1)}`)).status).toBe(200);
}

async function command<T>(home: string, ...args: readonly string[]): Promise<T> {
  const env = { PATH: process.env.PATH, CLICKLAKE_HOME: home };
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      ['--conditions=source', main, ...args, '--json'],
      { env, cwd: home },
      (error, output, talk) => (error === null ? resolve(output) : reject(new Error(talk, { cause: error }))),
    );
  });
  return JSON.parse(stdout) as T;
}

/** Every acknowledged event is in Silver once, its companion among the dead letters, and nothing else is anywhere. */
async function expectExactly(home: string, acknowledged: readonly string[]): Promise<void> {
  await command(home, 'ingest', '--until-caught-up');
  const count = acknowledged.length;
  expect(await command(home, 'ledger', '--deep')).toMatchObject({
    ...{ balanced: true, appended: 2 * count, silver: count, dead_letters: count },
    ...{ duplicates: 0, in_flight: 0, unreadable: 0, deep: { missing: [], repeated: [] } },
  });
  const rows = await command<{ event_id: string }[]>(home, 'sql', 'SELECT event_id FROM silver');
  expect(rows.map(({ event_id }) => event_id).sort()).toEqual([...acknowledged].sort());
  const letters = await command<{ event_id: string }[]>(home, 'sql', 'SELECT event_id FROM dead_letters');
  expect(letters.map(({ event_id }) => event_id).sort()).toEqual(acknowledged.map((id) => `no ${id}`).sort());
}

describe('a disk in trouble while events come in (S5.1, S5.3)', () => {
  it.each(['up', 'collect'] as const)(
    'fills up to the last byte under `%s`: 503 with a way out, until there is room',
    async (part) => {
      const small = (disk = await mountTmpfs(64));
      const home = join(small.directory, 'home');
      const product = start(part, home, {
        CLICKLAKE_LOG_MIN_FREE: '0B',
        CLICKLAKE_INGEST_COMMIT_INTERVAL: '300ms',
      });
      expect(await product.ready, product.talk()).toBe(true);
      const sender = await openSender(home);
      expect(await sender.send('before')).toMatchObject({ status: 200 });

      await small.fillBut(300_000);
      const refused = await sendUntilRefused(sender, 'during');
      expect(refused).toMatchObject({ status: 503, code: 'log-full' });
      expect(refused.hint).toMatch(/free space/i);
      expect(refused.retryAfter).toBeGreaterThan(0);
      expect(product.isAlive()).toBe(true);

      await small.free();
      await sendUntilTaken(sender, 'after');
      expect(await product.end('SIGTERM'), product.talk()).toBe(0);
      await expectExactly(home, sender.acknowledged);
    },
  );

  it('has less than log.min_free left: 503 before the disk is full, until there is room', async () => {
    const small = (disk = await mountTmpfs(64));
    const home = join(small.directory, 'home');
    const product = start('up', home, { CLICKLAKE_LOG_MIN_FREE: '16MB' });
    expect(await product.ready, product.talk()).toBe(true);
    const sender = await openSender(home);
    await small.fillBut(17_000_000);
    const refused = await sendUntilRefused(sender, 'during');
    expect(refused.status).toBe(503);
    expect(['disk-low', 'log-full']).toContain(refused.code);
    expect(refused.hint).toMatch(/free space/i);
    expect(refused.retryAfter).toBeGreaterThan(0);
    await small.free();
    await sendUntilTaken(sender, 'after');
    expect(await product.end('SIGTERM'), product.talk()).toBe(0);
    await expectExactly(home, sender.acknowledged);
  });

  it.each(['up', 'collect'] as const)(
    'becomes read-only under `%s`: 503, an end that says why, and nothing acknowledged is lost',
    async (part) => {
      const breaking = (disk = await mountBreakingDisk(128));
      const home = join(breaking.directory, 'home');
      const settings = { CLICKLAKE_LOG_MIN_FREE: '0B' };
      const product = start(part, home, settings);
      expect(await product.ready, product.talk()).toBe(true);
      const sender = await openSender(home);
      for (let index = 0; index < 20; index += 1)
        expect(await sender.send(`before-${index}`)).toMatchObject({ status: 200 });

      await breaking.breakDown();
      const refused = await sender.send('during');
      expect(refused).toMatchObject({ status: 503, code: 'log-unavailable' });
      expect(refused.hint).toContain('clicklake status');
      expect(refused.retryAfter).toBeGreaterThan(0);
      // An fsync that failed is never tried again (S5.1): the process ends by itself.
      expect(await product.ended).toBeGreaterThan(0);
      expect(product.talk()).toContain('log-writer-failed');
      expect(product.talk()).toContain('read-only file system');
      expect(product.talk()).toContain('Check the disk, then restart');

      breaking.repair();
      const next = start(part, home, settings);
      expect(await next.ready, next.talk()).toBe(true);
      expect(await sender.send('during')).toMatchObject({ status: 200 });
      expect(await next.end('SIGTERM'), next.talk()).toBe(0);
      await expectExactly(home, sender.acknowledged);
    },
  );

  it.each(['up', 'collect'] as const)(
    'is read-only when `%s` starts: it says which path, and what to do; later all is there',
    async (part) => {
      const small = (disk = await mountTmpfs(64));
      const home = join(small.directory, 'home');
      const settings = { CLICKLAKE_LOG_MIN_FREE: '0B' };
      const first = start(part, home, settings);
      expect(await first.ready, first.talk()).toBe(true);
      const sender = await openSender(home);
      expect(await sender.send('before')).toMatchObject({ status: 200 });
      expect(await first.end('SIGTERM'), first.talk()).toBe(0);

      small.remount('ro');
      const refused = start(part, home, settings);
      expect(await refused.ready).toBe(false);
      expect(await refused.ended).toBe(4);
      expect(refused.talk()).toContain('log-directory-unwritable');
      expect(refused.talk()).toContain(home);
      expect(refused.talk()).toContain('write access');

      small.remount('rw');
      const next = start(part, home, settings);
      expect(await next.ready, next.talk()).toBe(true);
      expect(await sender.send('after')).toMatchObject({ status: 200 });
      expect(await next.end('SIGTERM'), next.talk()).toBe(0);
      await expectExactly(home, sender.acknowledged);
    },
  );
});

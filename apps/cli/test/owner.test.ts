import { createServer } from 'node:net';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openShell, type RunningCommand, type Shell } from './support/fake-effects.ts';

let shell: Shell;

afterAll(() => shell.close());

async function json(...argv: string[]): Promise<unknown> {
  const { stdout, stderr, code } = await shell.run(...argv, '--json');
  if (stdout === '') throw new Error(`${argv.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

describe('`up`, and commands that reach it (S6.3)', () => {
  let up: RunningCommand;
  let url: string;
  let collectorUrl: string;

  beforeAll(async () => {
    shell = await openShell();
    up = shell.start('up', '--json', '--no-simulator');
    ({ url, collectorUrl } = (await up.ready) as { url: string; collectorUrl: string });
  });

  it('serves, with the token in a file of its owner', async () => {
    expect(await (await fetch(`${url}/api/status`)).json()).toMatchObject({ ready: true });
    const path = join(shell.directory, '.clicklake/secrets/api-token');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const token = (await readFile(path, 'utf8')).trim();
    const answer = await fetch(`${url}/api/overview`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toMatchObject({ role: 'up', ingest: { phase: 'running' } });
  });

  it('takes events that produce sends to its collector', async () => {
    const made = (await json('produce', '--events', '200', '--malformed', '0.1', '--rate', '2000')) as Record<
      string,
      number
    >;
    expect(made.through).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect((made.accepted ?? 0) + (made.rejected ?? 0)).toBe(200);
    expect(await json('ledger')).toMatchObject({ appended: 200, balanced: true });
  });

  it('back-fills through its API, with the truth about it', async () => {
    const truth = join(shell.directory, 'truth.jsonl');
    expect(
      await json('produce', '--events', '300', '--back-fill', '--days', '2', '--truth', truth),
    ).toMatchObject({ through: url });
    expect((await readFile(truth, 'utf8')).trim().split('\n')).toHaveLength(301);
    expect(await json('ledger')).toMatchObject({ appended: 500, balanced: true });
  });

  it('shows what is not committed yet', async () => {
    const { stderr, code } = await shell.run('ingest', '--until-caught-up');
    expect(stderr).toContain('Caught up');
    expect(code).toBe(0);
    const [row] = (await json('sql', 'SELECT count(*) AS n FROM silver')) as { n: number }[];
    const { silver } = (await json('ledger')) as { silver: number };
    expect(row?.n).toBe(silver);
    expect((await shell.run('sql', 'SELECT 1')).stderr).toBe('');
  });

  it('does what changes tables', async () => {
    expect(await json('table', 'optimize', 'dead_letters')).toHaveProperty('filesAdded');
    expect(await json('table', 'vacuum', 'silver', '--dry-run')).toMatchObject({ dryRun: true });
    expect(await json('topics', 'skip-corrupt', 'clickstream-events', '0')).toMatchObject({ skipped: [] });
    expect(await shell.run('table', 'restore', 'silver', '--version', '999')).toMatchObject({ code: 4 });
  });

  it('answers the other questions', async () => {
    expect(await json('status')).toMatchObject({
      running: true,
      owner: { role: 'up', url },
      ledger: { balanced: true },
    });
    expect((await shell.run('status')).stdout).toContain('balanced');
    // Gold's come by themselves.
    const tables = (await json('tables')) as { readonly name: string }[];
    expect(tables.slice(0, 3).map(({ name }) => name)).toEqual(['silver', 'dead_letters', 'duplicates']);
    expect(await json('table', 'history', 'silver')).not.toHaveLength(0);
    expect(await json('topics')).toHaveLength(4);
    const [letter] = (await json('dead-letters')) as { topic: string; partition: number; offset: number }[];
    const place = `${letter?.topic}/${letter?.partition}/${letter?.offset}`;
    expect(await json('dead-letters', 'show', place)).toEqual(letter);
    expect((await shell.run('dead-letters', 'show', 'clickstream-errors/0/99999')).code).toBe(4);
    const { code, stderr } = await shell.run('sql', 'SELECT nothing FROM silver');
    expect(code).toBe(4);
    expect(stderr).toContain('nothing');
  });

  it('traces an event through the owner', async () => {
    const [row] = (await json('sql', 'SELECT event_id FROM silver LIMIT 1')) as { event_id: string }[];
    const eventId = row?.event_id ?? '';
    expect(await json('trace', eventId)).toMatchObject({
      eventId,
      looked: { tailRows: expect.any(Number) as number },
      // One that the shoppers sent twice has a duplicate, too.
      records: expect.arrayContaining([
        expect.objectContaining({ verdict: 'valid', committed: true }),
      ]) as unknown[],
    });
    expect((await shell.run('trace', 'nobody')).code).toBe(1);
  });

  it('tests what Gold stands for', async () => {
    expect(await json('refresh')).toHaveProperty('models');
    const report = (await json('test')) as { tests: { test: string; verdict: string }[] };
    expect(report.tests.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
    expect(await json('test', 'daily_aggregates')).toMatchObject({ passed: true });
  });

  it('takes and refuses write keys as `keys` says, without a restart', async () => {
    const { key } = (await json('keys', 'create', '--name', 'passing', '--kind', 'server')) as {
      key: string;
    };
    const post = async (): Promise<number> => {
      const answer = await fetch(`${collectorUrl}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: '[]',
      });
      await answer.body?.cancel();
      return answer.status;
    };
    await expect.poll(post, { timeout: 20_000 }).not.toBe(401);
    expect((await shell.run('keys', 'revoke', 'passing')).code).toBe(0);
    await expect.poll(post, { timeout: 20_000 }).toBe(401);
  });

  it('gives a login link that works once', async () => {
    const { url: link } = (await json('open')) as { url: string };
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(link)).status).toBe(401);
    expect((await shell.run('status', '--link')).stdout).toMatch(/^http.*\/login\?code=/);
  });

  it('is the only one: a second owner is refused with its pid, and reset as well', async () => {
    for (const argv of [['up'], ['ingest'], ['collect'], ['reset', '--yes']]) {
      const { code, stderr } = await shell.run(...argv);
      expect(code).toBe(3);
      expect(stderr).toContain(String(process.pid));
    }
    expect(await (await fetch(`${url}/api/status`)).json()).toMatchObject({ ready: true });
  });

  it('follows the log with tail, until it is stopped', async () => {
    const tail = shell.start('tail', '--last', '1', '--json');
    // It has read the log's end when it shows the newest event.
    expect(await tail.ready).toMatchObject({ topic: 'clickstream-events' });
    const clean = ['--duplicates', '0', '--malformed', '0', '--seed', 'tailed'];
    await shell.run('produce', '--events', '5', ...clean);
    const lines = await tail.lines(6);
    expect(lines.map((line) => (JSON.parse(line) as { topic: string }).topic)).toEqual(
      Array(6).fill('clickstream-events'),
    );
    tail.signal();
    expect((await tail.outcome).code).toBe(0);
  });

  it('stops with the tail committed and nothing left behind', async () => {
    const before = (await json('ledger')) as { appended: number };
    up.signal('SIGTERM');
    const { code, stderr } = await up.outcome;
    expect(code).toBe(0);
    expect(stderr).toContain('Stopped.');
    await expect(fetch(`${url}/api/status`)).rejects.toThrow();
    const left = await readdir(join(shell.directory, '.clicklake'));
    expect(left.filter((name) => name.endsWith('.lock'))).toEqual([]);
    expect(await json('ledger')).toMatchObject({ appended: before.appended, in_flight: 0, balanced: true });
  });

  it('starts again with all that it had', async () => {
    const before = await json('ledger');
    const again = shell.start('up', '--json', '--rate', '50');
    await again.ready;
    again.signal('SIGINT');
    expect((await again.outcome).code).toBe(0);
    const after = (await json('ledger')) as Record<string, unknown>;
    expect(after).toMatchObject({ balanced: true });
    expect(after.silver).toBeGreaterThanOrEqual((before as { silver: number }).silver);
  });
});

describe('the parts as processes of their own', () => {
  it('collect writes the log, ingest reads it, and commands find each', async () => {
    const own = await openShell();
    const collect = own.start('collect', '--json');
    const { collectorUrl } = await collect.ready;
    expect(JSON.parse((await own.run('produce', '--events', '50', '--json')).stdout)).toMatchObject({
      through: collectorUrl,
    });
    const backFill = await own.run('produce', '--events', '50', '--back-fill', '--days', '1', '--json');
    expect(JSON.parse(backFill.stdout)).toMatchObject({ through: collectorUrl });

    const ingest = own.start('ingest', '--json');
    const { url } = await ingest.ready;
    expect(await (await fetch(`${url as string}/api/status`)).json()).toMatchObject({ ready: true });
    expect((await own.run('ingest', '--until-caught-up')).code).toBe(0);
    expect(JSON.parse((await own.run('ledger', '--json')).stdout)).toMatchObject({
      appended: 100,
      in_flight: 0,
      balanced: true,
    });
    const skip = await own.run('topics', 'skip-corrupt', 'clickstream-events', '0');
    expect(skip).toMatchObject({ code: 3, stderr: expect.stringContaining('collect') as string });
    await own.close();
  });
});

describe('a port that is taken', () => {
  it('is named, with how to change it, and nothing is left behind', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    const own = await openShell();
    for (const [flag, variable] of [
      ['--port', 'CLICKLAKE_PORT'],
      ['--collector-port', 'CLICKLAKE_COLLECTOR_PORT'],
    ] as const) {
      const { code, stderr } = await own.run('up', '--no-simulator', flag, port);
      expect(code).toBe(3);
      expect(stderr).toContain(port);
      expect(stderr).toContain(variable);
      const left = await readdir(join(own.directory, '.clicklake'));
      expect(left.filter((name) => name.endsWith('.lock'))).toEqual([]);
    }
    await own.close();
    await new Promise((resolve) => other.close(resolve));
  });
});

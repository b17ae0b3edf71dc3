import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobState, Run } from '@clicklake/pipeline';
import { openShell, type RunningCommand, type Shell } from './support/fake-effects.ts';

interface Status {
  readonly failing: readonly { readonly job: string }[];
  readonly overview: { readonly jobs: { readonly gold: { readonly behindMs: number } } } | null;
}

describe('jobs of a running system (S7.4)', () => {
  let shell: Shell;
  let up: RunningCommand;
  const told: { job?: string; event?: string; error?: unknown }[] = [];
  const listener = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      told.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof told)[number]);
      response.writeHead(204).end();
    });
  });
  let gold: string;

  async function json<T>(...argv: string[]): Promise<T> {
    const { stdout, stderr, code } = await shell.run(...argv, '--json');
    if (stdout === '') throw new Error(`${argv.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  beforeAll(async () => {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    shell = await openShell();
    gold = join(shell.directory, '.clicklake/lake/user-behavior-analytics-gold');
    // No directory can be made where a file is.
    await mkdir(join(gold, '..'), { recursive: true });
    await writeFile(gold, 'in the way');
    const hook = `jobs.webhook_url=http://127.0.0.1:${(listener.address() as AddressInfo).port}/s3cret`;
    const pace = 'jobs.refresh_interval=50ms';
    up = shell.start('up', '--json', '--no-simulator', '--set', hook, '--set', pace);
    await up.ready;
    await shell.run('produce', '--events', '200', '--seed', 'jobs', '--malformed', '0');
  });

  afterAll(async () => {
    await shell.close();
    await new Promise((resolve) => listener.close(resolve));
  });

  it('a refresh that fails shows in status, runs and jobs, and calls the webhook', async () => {
    const isTold = (): boolean => told.some(({ job, event }) => job === 'refresh' && event === 'job-failed');
    await expect.poll(isTold, { timeout: 50_000 }).toBe(true);
    const { failing } = await json<Status>('status');
    expect(failing).toMatchObject([{ job: 'refresh', webhook: { outcome: 'delivered' } }]);
    const { stdout, code } = await shell.run('status');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Jobs {7}refresh failed .* since \d{4}-/m);
    const runs = await json<Run[]>('runs', '--job', 'refresh', '--failed', '--limit', '1');
    expect(runs).toMatchObject([{ job: 'refresh', outcome: 'failed', webhook: { outcome: 'delivered' } }]);
    expect((await shell.run('jobs')).stdout).toMatch(/^refresh fails since /m);
    expect((await shell.run('jobs', 'run', 'refresh')).code).not.toBe(0);
  });

  it('and goes away by itself once a refresh succeeds, with Gold as new as Silver', async () => {
    await rm(gold);
    await expect
      .poll(async () => (await json<Status>('status')).failing, { timeout: 100_000, interval: 200 })
      .toEqual([]);
    await expect
      .poll(async () => (await json<Status>('status')).overview?.jobs.gold.behindMs, { timeout: 50_000 })
      .toBe(0);
    expect((await shell.run('status')).stdout).toMatch(/^Gold {7}shows Silver up to its version \d+$/m);
    const [row] = await json<{ n: number }[]>('sql', 'SELECT count(*) AS n FROM daily_user_activity');
    expect(row?.n).toBeGreaterThan(0);
  });

  it('each can be asked for, and its run is on record', async () => {
    for (const name of ['refresh', 'maintenance', 'retention']) {
      const run = await json<Run>('jobs', 'run', name);
      expect(run).toMatchObject({ job: name, trigger: 'manual', outcome: 'succeeded' });
      expect(await json('runs', '--job', name, '--limit', '100')).toContainEqual(run);
    }
    const unknown = await shell.run('jobs', 'run', 'nothing');
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).toContain('refresh, maintenance, retention');
    const jobs = await json<JobState[]>('jobs');
    expect(jobs.map(({ name, enabled, schedule }) => [name, enabled, schedule])).toEqual([
      ['refresh', true, 'after-commits'],
      ['maintenance', true, 'after-commits'],
      ['retention', true, '* * * * *'],
    ]);
    expect(Date.parse(jobs[2]?.nextRunAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('the address of the webhook is shown by no command', async () => {
    for (const argv of [['config'], ['config', '--json'], ['runs', '--json'], ['status', '--json']]) {
      const variable = `http://127.0.0.1/s3cret`;
      const { stdout } = await shell.runWith({ env: { CLICKLAKE_JOBS_WEBHOOK_URL: variable } }, ...argv);
      expect(stdout).not.toContain('s3cret');
      expect(stdout).not.toBe('');
    }
  });

  it('what was done can be read, and a job be run, without an owner', async () => {
    up.signal('SIGTERM');
    expect((await up.outcome).code).toBe(0);
    const runs = await json<Run[]>('runs', '--limit', '100');
    expect(runs.filter(({ outcome }) => outcome === 'running')).toEqual([]);
    expect(runs.some(({ outcome }) => outcome === 'failed')).toBe(true);
    expect(await json('jobs')).toMatchObject([{ name: 'refresh', nextRunAt: null, failing: null }, {}, {}]);
    expect(await json('jobs', 'run', 'maintenance')).toMatchObject({ outcome: 'succeeded' });
    const [last] = await json<Run[]>('runs', '--limit', '1');
    expect(last).toMatchObject({ job: 'maintenance', id: (runs[0]?.id ?? 0) + 1 });
  });
});

describe('jobs that are switched off', () => {
  it('run only when somebody asks', async () => {
    const shell = await openShell();
    const off = ['refresh', 'maintenance', 'retention'].flatMap((name) => ['--set', `jobs.${name}=off`]);
    const up = shell.start('up', '--json', '--no-simulator', ...off);
    await up.ready;
    await shell.run('produce', '--events', '20');
    await shell.run('ingest', '--until-caught-up');
    const jobs = JSON.parse((await shell.run('jobs', '--json', ...off)).stdout) as JobState[];
    expect(jobs.map(({ enabled, lastRun, nextRunAt }) => [enabled, lastRun, nextRunAt])).toEqual(
      Array.from({ length: 3 }, () => [false, null, null]),
    );
    expect((await shell.run('jobs', 'run', 'refresh')).code).toBe(0);
    await shell.close();
  });
});

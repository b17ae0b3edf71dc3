import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { applyLogRetention, type LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from '../harness/child.ts';
import { collected, makeWorkload } from '../harness/records.ts';
import { createTestLake, everyCommits, type TestLake } from '../harness/test-lake.ts';

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

const hour = 3_600_000;
const everything = { full: false, models: [] };

async function goldLogFiles(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const name of await readdir(lake.paths.gold))
    counts.set(name, (await readdir(join(lake.paths.gold, name, '_delta_log'))).length);
  return counts;
}

describe('the jobs of a lake (S7.4)', () => {
  it('refresh Gold by themselves, and tell how far it is behind', async () => {
    const owner = await lake.open({
      jobs: { refresh: everyCommits(1) },
      settings: { tickIntervalMs: 2, commitIntervalMs: 10 },
    });
    await owner.start();
    const workload = makeWorkload('w', 120, Date.now() - 60_000);
    await lake.append(workload.records);
    await expect.poll(() => owner.uncommitted(), { timeout: 50_000 }).toBe(0);
    await expect.poll(() => owner.jobsStatus().gold.behindMs, { timeout: 50_000 }).toBe(0);
    const { gold, failing } = owner.jobsStatus();
    expect(gold.goldVersion).toBe(gold.silverVersion);
    expect(failing).toEqual([]);
    expect((await owner.refresh(everything)).models.map(({ mode }) => mode)).toEqual(
      Array.from({ length: 5 }, () => 'nothing'),
    );
    const runs = owner.runs({ job: 'refresh', limit: 100 });
    expect(runs[0]).toMatchObject({ trigger: 'manual', did: 'nothing to do' });
    expect(runs.at(-1)?.trigger).toBe('start');
    await owner.close();
    const again = await lake.open();
    expect(again.jobsStatus().gold).toEqual({ ...gold, goldVersion: gold.silverVersion, behindMs: 0 });
    await again.close();
  });

  it('keep a failed refresh in sight until a whole one succeeds, also after a restart', async () => {
    await lake.append([collected('a', 'u', Date.now())]);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await expect(owner.refresh({ full: false, models: ['no such'] })).rejects.toMatchObject({
      code: 'model-unknown-reference',
    });
    await owner.close();
    const again = await lake.open();
    expect(again.jobsStatus().failing).toMatchObject([
      { job: 'refresh', failedRuns: 1, error: { code: 'model-unknown-reference' } },
    ]);
    await again.refresh({ full: false, models: ['daily_user_activity'] });
    expect(again.jobsStatus().failing).toHaveLength(1);
    await again.refresh(everything);
    expect(again.jobsStatus().failing).toEqual([]);
    await again.close();
  });

  it('and commands never write a table at once: a refresh, OPTIMIZE, VACUUM and restore asked for together', async () => {
    const workload = makeWorkload('w', 150, Date.now() - 60_000);
    await lake.append(workload.records);
    const owner = await lake.open({ settings: { tickBytes: 6_000, commitBytes: 6_000 } });
    await owner.catchUp(() => undefined);
    await owner.refresh(everything);
    const version = (await owner.history('silver', 1))?.[0]?.version ?? 0;
    await Promise.all([
      owner.optimize('silver', {}),
      owner.vacuum('silver', {}),
      owner.runJob('maintenance'),
      owner.restore('silver', { version: version - 1 }),
      owner.optimize('silver', {}),
      owner.refresh({ full: true, models: [] }),
      owner.planRefresh(everything),
      owner.runJob('refresh'),
    ]);
    await owner.catchUp(() => undefined);
    expect(await owner.ledger({ deep: true })).toMatchObject({
      silver: workload.silverIds.size,
      balanced: true,
    });
    expect(owner.jobsStatus().failing).toEqual([]);
    await owner.close();
  });

  it('keep the log’s limits where this process writes it', async () => {
    const log = lake.log({ segmentBytes: 20_000, retentionMs: 1, clock: () => Date.now() + 100_000 });
    const logWriter = await log.openWriter();
    const workload = makeWorkload('w', 300, Date.now() - 60_000);
    for (let from = 0; from < workload.records.length; from += 20)
      await logWriter.append(workload.records.slice(from, from + 20));
    const owner = await lake.open({ log, logWriter });
    await owner.catchUp(() => undefined);
    const run = await owner.runJob('retention');
    expect(run.facts.logSegments).toBeGreaterThan(3);
    expect(run.did).toMatch(/^log: \d+ segments deleted$/);
    const reader = await log.openReader();
    expect(await applyLogRetention(logWriter, reader)).toMatchObject({ deletedSegments: 0 });
    await reader.close();
    await owner.close();
    await logWriter.close();
  });

  it.each([
    ['job-begun', ['full', 'full', 'full', 'full', 'full']],
    ['job-before-record', ['nothing', 'nothing', 'nothing', 'nothing', 'nothing']],
  ])(
    'kill -9 at %s: on record as interrupted, and the next run does what is left',
    async (crashAt, modes) => {
      await lake.append([collected('a', 'u', Date.now())]);
      const ingest = await lake.open();
      await ingest.catchUp(() => undefined);
      await ingest.close();
      const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['refresh'] });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const owner = await lake.open();
      expect(owner.runs({ limit: 5 })).toMatchObject([{ job: 'refresh', outcome: 'interrupted' }]);
      expect(owner.jobs().find(({ name }) => name === 'refresh')).toMatchObject({ running: false });
      // What Gold stands for is only known from a run that is on record as succeeded.
      expect(owner.jobsStatus().gold.goldVersion).toBeNull();
      expect((await owner.refresh(everything)).models.map(({ mode }) => mode)).toEqual(modes);
      expect(owner.jobsStatus().gold.behindMs).toBe(0);
      await owner.close();
    },
  );
});

describe('maintenance of Gold (S4.5)', () => {
  it('keeps log and files of its tables bounded, however many refreshes there were', async () => {
    let now = Date.UTC(2026, 4, 1);
    let owner: LakeOwner = await lake.open({ clock: () => now });
    const sizes: number[] = [];
    // A day of refreshes, a hundred for each quarter of it.
    for (let quarter = 0; quarter < 3; quarter += 1) {
      for (let round = 0; round < 3; round += 1) {
        await lake.append([collected(`e-${quarter}-${round}`, 'u', now)]);
        await owner.catchUp(() => undefined);
        for (let again = 0; again < 11; again += 1) await owner.refresh({ full: true, models: [] });
        now += 2 * hour;
      }
      await owner.runJob('maintenance');
      sizes.push(Math.max(...(await goldLogFiles()).values()));
    }
    expect(sizes).toEqual([]);
    await owner.close();
    owner = await lake.open({ clock: () => now });
    await owner.close();
  });
});

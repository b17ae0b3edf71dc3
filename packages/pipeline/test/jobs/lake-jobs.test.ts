import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { localStore, openTable, type DeltaTable } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import { applyLogRetention } from '@clicklake/pipeline';
import { DuckDBInstance } from '@duckdb/node-api';
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
    expect(runs.at(-1)?.trigger).toBe('commit');
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
  it('deletes replaced files an hour later, and tells its tables how little log they need', async () => {
    let shift = 0;
    const clock = (): number => Date.now() + shift;
    await lake.append([collected('a', 'u', Date.now() - 2 * hour)]);
    const owner = await lake.open({ clock });
    await owner.catchUp(() => undefined);
    for (let refreshes = 0; refreshes < 3; refreshes += 1) await owner.refresh({ full: true, models: [] });
    await owner.close();
    await withGoldTable('daily_aggregates', clock, (table) =>
      table.setProperties({ 'delta.logRetentionDuration': 'interval 7 days' }),
    );

    const again = await lake.open({ clock });
    const young = await again.runJob('maintenance');
    expect(young.did).toBe('nothing to do');
    shift = 2 * hour;
    const run = await again.runJob('maintenance');
    expect(run.did).toMatch(/daily_aggregates: \d+ old files deleted/);
    for (const { name, files } of (await again.tables()).slice(3))
      expect({ name, onDisk: await parquetFiles(name) }).toEqual({ name, onDisk: files });
    await again.close();
    await withGoldTable('daily_aggregates', clock, async (table) => {
      expect((await table.detail()).properties['delta.logRetentionDuration']).toBe('interval 6 hours');
    });
  });

  it('says in each table’s log what the settings say, when they change too (S4.5)', async () => {
    await lake.append([collected('a', 'u', Date.now() - hour)]);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await owner.refresh(everything);
    await owner.close();
    const retention = {
      checkpointInterval: 7,
      logRetentionMs: 90 * 60_000,
      deletedFileRetentionMs: 2 * hour,
    };
    const again = await lake.open({ maintenance: { retentions: { silver: retention, gold: retention } } });
    await again.runJob('maintenance');
    await again.close();
    const expected = {
      'delta.checkpointInterval': '7',
      'delta.logRetentionDuration': 'interval 90 minutes',
      'delta.deletedFileRetentionDuration': 'interval 2 hours',
    };
    const opened = await lake.tables();
    for (const table of Object.values(opened.tables))
      expect((await table.detail()).properties).toMatchObject(expected);
    await opened.close();
    await withGoldTable('daily_aggregates', Date.now, async (table) => {
      expect((await table.detail()).properties).toMatchObject(expected);
    });
  });

  it('a table that is committed to every few seconds keeps six hours of log', async () => {
    let shift = 0;
    await lake.append([collected('a', 'u', Date.now() - hour)]);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await owner.refresh(everything);
    await owner.close();
    const logFiles = async (): Promise<number> =>
      (await readdir(join(lake.paths.gold, 'daily_aggregates', '_delta_log'))).length;
    const most: number[] = [];
    await withGoldTable(
      'daily_aggregates',
      () => Date.now() + shift,
      async (table) => {
        for (let sixHours = 0; sixHours < 3; sixHours += 1) {
          for (let commits = 0; commits < 150; commits += 1)
            await table.commit({
              operation: 'WRITE',
              transactions: [{ appId: 'x', version: BigInt(commits) }],
            });
          most.push(await logFiles());
          // All of these entries are then past the six hours that Gold keeps.
          shift += 6 * hour + 60_000;
        }
      },
    );
    expect(Math.max(...most)).toBeLessThan(320);
    expect(most.at(-1)).toBeLessThan(250);
  });
});

async function parquetFiles(name: string): Promise<number> {
  const files = await readdir(join(lake.paths.gold, name), { recursive: true });
  return files.filter((file) => file.endsWith('.parquet') && !file.startsWith('_')).length;
}

async function withGoldTable(
  name: string,
  clock: () => number,
  work: (table: DeltaTable) => Promise<unknown>,
): Promise<void> {
  const duckdb = await DuckDBInstance.create(':memory:');
  const table = await openTable(localStore(join(lake.paths.gold, name), nodeFileSystem), { duckdb, clock });
  await work(table);
  await table.close();
  duckdb.closeSync();
}

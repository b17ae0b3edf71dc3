import type { AddFile } from '@clicklake/delta-lake';
import { applyLogRetention, type LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planSilverRemoval, silverRetention } from '../../src/maintenance/silver-retention.ts';
import { runChild } from '../harness/child.ts';
import { expectBalanced, silverIds } from '../harness/expectations.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { collected, collectedEvent } from '../harness/records.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

const day = 86_400_000;
const retention = { silverRetentionMs: 30 * day };

describe('what a retention of Silver takes away', () => {
  const now = Date.UTC(2026, 5, 30, 12);
  const file = (path: string, date: string, newest: number | null): AddFile => ({
    path,
    partitionValues: { event_date: date },
    size: 1,
    modificationTime: 0,
    dataChange: true,
    stats:
      newest === null
        ? null
        : JSON.stringify({ numRecords: 10, maxValues: { received_at: new Date(newest).toISOString() } }),
    tags: null,
  });
  const plan = (files: readonly AddFile[], oldest = now) =>
    planSilverRemoval(
      { files: new Map(files.map((each) => [each.path, each])) },
      silverRetention(now, 30 * day, 7 * day, oldest),
    );

  it('whole dates that ended longer ago, counted by their statistics', () => {
    const old = now - 40 * day;
    const { dates, rows } = plan([
      file('a', '2026-05-20', old),
      file('b', '2026-05-20', old),
      file('c', '2026-05-30', old),
      file('d', '2026-05-31', old),
      file('e', '2026-06-30', now),
    ]);
    expect(dates).toEqual(['2026-05-20', '2026-05-30']);
    expect(rows).toBe(30);
  });

  it('no date of which an id is within the dedupe window, however far ingest is behind (S3.1)', () => {
    const files = [file('a', '2026-05-29', now - 40 * day), file('late', '2026-05-29', now - 6 * day)];
    expect(plan(files).files).toEqual([]);
    expect(plan([file('a', '2026-05-29', now - 8 * day)]).files).toHaveLength(1);
    expect(plan([file('a', '2026-05-29', now - 8 * day)], now - 3 * day).files).toEqual([]);
    expect(plan([file('a', '2026-05-29', now - 8 * day)], 0).files).toEqual([]);
  });

  it('file by file of a date that late events hold up for longer than the window', () => {
    const files = [file('a', '2026-05-01', now - 40 * day), file('late', '2026-05-01', now - 6 * day)];
    expect(plan(files).files.map(({ path }) => path)).toEqual(['a']);
  });

  it('nothing that has no statistics', () => {
    expect(plan([file('a', '2026-05-01', null)]).files).toEqual([]);
  });
});

describe('retention of Silver (S4.2, S7.4)', () => {
  let lake: TestLake;
  /** Of the events, oldest first: 100 days ago, and today. */
  const now = Date.now();
  const old = Array.from({ length: 60 }, (_, index) =>
    collected(`old-${index}`, `u${index % 7}`, now - 100 * day + index),
  );
  const recent = Array.from({ length: 40 }, (_, index) =>
    collected(`new-${index}`, `u${index % 7}`, now - 60_000 + index),
  );

  beforeEach(async () => {
    lake = await createTestLake();
    await lake.append([...old, ...recent]);
  });
  afterEach(() => lake.remove());

  async function filled(): Promise<LakeOwner> {
    const owner = await lake.open({ jobs: retention });
    await owner.catchUp(() => undefined);
    return owner;
  }

  async function expectTrimmed(owner: LakeOwner): Promise<void> {
    expect((await silverIds(owner)).every((id) => id.startsWith('new-'))).toBe(true);
    expect(await owner.ledger({ deep: true })).toMatchObject({
      appended: 100,
      silver: 40,
      removed: 60,
      in_flight: 0,
      balanced: true,
      deep: { missing: [], repeated: [], removedOffsets: 60, unbookedRemovals: 0 },
    });
  }

  it('is off by default', async () => {
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    expect(await owner.runJob('retention')).toMatchObject({ outcome: 'succeeded', did: 'nothing to do' });
    expect(await owner.ledger({ deep: false })).toMatchObject({ silver: 100, removed: 0, balanced: true });
    await owner.close();
  });

  it('deletes old dates in one commit that books them, and Gold follows', async () => {
    const queryEngine = await openLakeQueries(lake);
    const owner = await lake.open({ jobs: retention, queryEngine });
    await owner.catchUp(() => undefined);
    await owner.refresh({ full: false, models: [] });
    const before = (await owner.history('silver', 1))?.[0]?.version ?? 0;
    const run = await owner.runJob('retention');
    expect(run).toMatchObject({
      outcome: 'succeeded',
      did: expect.stringMatching(/^silver: 60 rows of 1 date before \d{4}-\d\d-\d\d deleted$/) as string,
      facts: { silverRows: 60, silverVersion: before + 1 },
    });
    await expectTrimmed(owner);
    expect(owner.jobsStatus().gold.silverVersion).toBe(before + 1);
    const dates = async (): Promise<number> =>
      Number(
        (await queryEngine.run('SELECT count(*) FROM daily_aggregates', () => owner.pin())).rows[0]?.[0],
      );
    expect(await dates()).toBeGreaterThan(1);
    await owner.runJob('refresh');
    expect(await dates()).toBe(1);
    expect(await owner.runJob('retention')).toMatchObject({ did: 'nothing to do' });
    await owner.close();
    await queryEngine.close();
  });

  it('is undone by a restore, which gives back the rows and what was booked', async () => {
    const owner = await filled();
    const version = (await owner.history('silver', 1))?.[0]?.version ?? 0;
    await owner.runJob('retention');
    await owner.restore('silver', { version });
    await owner.catchUp(() => undefined);
    expect(await owner.ledger({ deep: true })).toMatchObject({ silver: 100, removed: 0, balanced: true });
    // What was booked for the commit that is undone counts no more, and is booked anew.
    await owner.runJob('retention');
    await expectTrimmed(owner);
    await owner.close();
  });

  it('books no offsets that the log holds no more', async () => {
    const log = lake.log({ segmentBytes: 4_000, retentionMs: 1, clock: () => Date.now() + 100_000 });
    const writer = await log.openWriter();
    const more = Array.from({ length: 60 }, (_, index) =>
      collected(`old-more-${index}`, 'u', now - 100 * day),
    );
    for (let from = 0; from < more.length; from += 5) await writer.append(more.slice(from, from + 5));
    const owner = await filled();
    const reader = await log.openReader();
    expect((await applyLogRetention(writer, reader))?.deletedSegments).toBeGreaterThan(0);
    await owner.runJob('retention');
    const ledger = await expectBalanced(owner);
    expect(ledger.removed).toBe(120);
    expect(ledger.deep?.removedOffsets).toBeLessThan(120);
    await reader.close();
    await writer.close();
    await owner.close();
  });

  it('leaves a date whose ids may still come again, so that losing the dedupe state changes no verdict (S3.3)', async () => {
    // Happened long ago, and received just now.
    const late = (at: number) =>
      collectedEvent(
        {
          event_id: 'late',
          user_id: 'u1',
          event_type: 'page_view',
          timestamp: new Date(now - 90 * day).toISOString(),
        },
        at,
      );
    await lake.append([late(now - 1_000)]);
    const owner = await filled();
    await owner.runJob('retention');
    expect(await silverIds(owner)).toContain('late');
    await owner.close();
    const { rm } = await import('node:fs/promises');
    await rm(lake.paths.dedupe, { recursive: true });
    await lake.append([late(now)]);
    const again = await filled();
    expect((await silverIds(again)).filter((id) => id === 'late')).toHaveLength(1);
    expect(await again.ledger({ deep: true })).toMatchObject({ duplicates: 1, removed: 60, balanced: true });
    await again.close();
  });

  it('runs beside ingest, which neither waits for it nor is fenced by it', async () => {
    const owner = await lake.open({
      jobs: retention,
      settings: { tickIntervalMs: 2, commitIntervalMs: 10 },
    });
    await owner.start();
    const writer = await lake.log().openWriter();
    const appending = (async () => {
      for (let from = 0; from < 300; from += 10)
        await writer.append(
          Array.from({ length: 10 }, (_, index) =>
            collected(`more-${from + index}`, `u${index}`, Date.now()),
          ),
        );
    })();
    await expect.poll(async () => (await owner.ledger({ deep: false })).silver).toBeGreaterThan(59);
    let removed = 0;
    while (removed < 60) {
      await owner.runJob('retention');
      ({ removed } = await owner.ledger({ deep: false }));
    }
    await appending;
    await writer.close();
    await expect.poll(() => owner.uncommitted(), { timeout: 50_000 }).toBe(0);
    expect(owner.state()).toMatchObject({ phase: 'running', problem: null });
    expect(await owner.ledger({ deep: true })).toMatchObject({ silver: 340, removed: 60, balanced: true });
    await owner.close();
  });

  it.each([
    ['job-begun', 'interrupted', 0],
    ['removals-delta-before-commit', 'interrupted', 0],
    ['removals-delta-after-commit', 'interrupted', 0],
    ['retention-before-commit', 'interrupted', 0],
    ['delta-before-commit', 'interrupted', 0],
    ['delta-after-commit', 'interrupted', 60],
    ['retention-after-commit', 'interrupted', 60],
    ['job-before-record', 'interrupted', 60],
  ])(
    'kill -9 at %s: the run is on record as interrupted, and the next one makes it whole',
    async (crashAt, outcome, removed) => {
      await (await filled()).close();
      const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['silver-retention'] });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const owner = await lake.open({ jobs: retention });
      expect(owner.runs({ limit: 1 })).toMatchObject([{ job: 'retention', outcome, endedAt: null }]);
      expect(await owner.ledger({ deep: false })).toMatchObject({ removed, balanced: true });
      await owner.runJob('retention');
      await expectTrimmed(owner);
      await owner.close();
    },
  );
});

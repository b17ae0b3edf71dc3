import type { CrashPoints } from '@clicklake/durable-files';
import type { LakeOwner } from '@clicklake/pipeline';
import { applyLogRetention } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from './harness/child.ts';
import { expectBalanced, expectExactlyOnce, rowCommits, silverIds } from './harness/expectations.ts';
import { collected, makeWorkload, type Workload } from './harness/records.ts';
import { createTestLake, smallBatches, type OpenTestLake, type TestLake } from './harness/test-lake.ts';

let lake: TestLake;
let workload: Workload;
beforeEach(async () => {
  lake = await createTestLake();
  workload = makeWorkload('restored', 400, Date.now() - 60_000);
});
afterEach(() => lake.remove());

async function filled(options: OpenTestLake = {}): Promise<LakeOwner> {
  await lake.append(workload.records);
  const owner = await lake.open({ settings: smallBatches, ...options });
  await owner.catchUp(() => undefined);
  return owner;
}

async function versionOf(owner: LakeOwner, commit: number): Promise<number> {
  return (await rowCommits(owner))[commit]?.version ?? -1;
}

describe('restoring Silver (S4.3)', () => {
  it.each(['version', 'timestamp'] as const)(
    'by %s: the log is read again and the same rows come back',
    async (by) => {
      const owner = await filled();
      const before = (await silverIds(owner)).toSorted();
      const [, commit, next] = await rowCommits(owner);
      if (commit === undefined || next === undefined) throw new Error('too few commits');
      const result = await owner.restore(
        'silver',
        by === 'version' ? { version: commit.version } : { timestamp: next.timestamp },
      );
      // The next commit says when it began; within that millisecond it may be there.
      expect([commit.version, next.version]).toContain(result.restoredTo);
      expect(result.rowsAfter).toBeLessThan(result.rowsBefore);
      expect(result.toReadAgain).toBeGreaterThan(0);
      const rewound = await owner.ledger({ deep: true });
      expect(rewound).toMatchObject({ silver: result.rowsAfter, balanced: true, removed: 0 });
      expect(rewound.in_flight).toBe(result.toReadAgain);
      await owner.catchUp(() => undefined);
      await expectExactlyOnce(owner, workload);
      expect((await silverIds(owner)).toSorted()).toEqual(before);
      await owner.close();
    },
  );

  it('while ingest runs and records keep coming', async () => {
    const owner = await filled({ settings: { ...smallBatches, tickIntervalMs: 5, commitIntervalMs: 50 } });
    await owner.start();
    const more = makeWorkload('more', 200, Date.now() - 50_000);
    const writer = await lake.log().openWriter();
    const appending = (async () => {
      for (let from = 0; from < more.records.length; from += 10) {
        await writer.append(more.records.slice(from, from + 10));
      }
    })();
    await owner.restore('silver', { version: await versionOf(owner, 0) });
    expect(owner.state()).toMatchObject({ phase: 'running', problem: null });
    await appending;
    await writer.close();
    await expect.poll(() => owner.uncommitted(), { timeout: 50_000 }).toBe(0);
    await expectExactlyOnce(owner, {
      records: [...workload.records, ...more.records],
      silverIds: new Set([...workload.silverIds, ...more.silverIds]),
      duplicates: workload.duplicates + more.duplicates,
      deadLetters: workload.deadLetters + more.deadLetters,
    });
    await owner.close();
  });

  it('forgets the ids of rows that are gone, and knows those that stay', async () => {
    const owner = await filled();
    const version = await versionOf(owner, 1);
    await owner.restore('silver', { version, discard: true });
    const stays = new Set(await silverIds(owner));
    const gone = [...workload.silverIds].find((id) => !stays.has(id) && !id.includes('foreign')) ?? '';
    const [known] = [...stays].filter((id) => !id.includes('foreign'));
    await lake.append([collected(gone, 'u', Date.now()), collected(known ?? '', 'u', Date.now())]);
    const { duplicates } = await owner.ledger({ deep: false });
    await owner.catchUp(() => undefined);
    expect(await silverIds(owner)).toContain(gone);
    expect(await owner.ledger({ deep: true })).toMatchObject({ duplicates: duplicates + 1, balanced: true });
    await owner.close();
  });

  it('is undone by restoring the version before it', async () => {
    const owner = await filled();
    const newest = (await rowCommits(owner)).at(-1)?.version ?? -1;
    await owner.restore('silver', { version: await versionOf(owner, 0) });
    // Forward again, with --discard too: nothing is removed, and nothing is read twice.
    const result = await owner.restore('silver', { version: newest, discard: true });
    expect(result).toMatchObject({ restoredTo: newest, toReadAgain: 0 });
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });

  it('with --discard, back and forth: each offset is in one place at every step, booked ones too (S4.2)', async () => {
    const owner = await filled();
    const commits = await rowCommits(owner);
    const newest = commits.at(-1)?.version ?? -1;
    const proven = async (): Promise<{ removed: number; removedOffsets: number | undefined }> => {
      const { removed, deep } = await expectBalanced(owner);
      return { removed, removedOffsets: deep?.removedOffsets };
    };
    const first = await owner.restore('silver', { version: await versionOf(owner, 2), discard: true });
    const once = first.rowsBefore - first.rowsAfter;
    expect(await proven()).toEqual({ removed: once, removedOffsets: once });
    // Further back: what the first one gave up stays given up, within what the second does.
    const second = await owner.restore('silver', { version: await versionOf(owner, 0), discard: true });
    const twice = once + second.rowsBefore - second.rowsAfter;
    expect(await proven()).toEqual({ removed: twice, removedOffsets: twice });
    await lake.append([collected('after both', 'u', Date.now())]);
    await owner.catchUp(() => undefined);
    expect(await proven()).toEqual({ removed: twice, removedOffsets: twice });
    // To what the first had left, and to where nothing was lost.
    await owner.restore('silver', { version: first.version });
    await owner.catchUp(() => undefined);
    expect(await proven()).toEqual({ removed: once, removedOffsets: once });
    await owner.restore('silver', { version: newest });
    await owner.catchUp(() => undefined);
    expect(await proven()).toEqual({ removed: 0, removedOffsets: 0 });
    await owner.close();
  });

  it.each([
    ['removals-delta-before-commit', 0],
    ['removals-delta-after-commit', 0],
    ['delta-before-commit', 0],
    ['delta-after-commit', 1],
  ])('kill -9 at %s of a restore with --discard; then the same again', async (crashAt, done) => {
    await (await filled()).close();
    const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['discard'] });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const owner = await lake.open({ settings: smallBatches });
    const between = await owner.ledger({ deep: true });
    expect(between).toMatchObject({ balanced: true, deep: { missing: [], repeated: [] } });
    expect(Math.sign(between.removed)).toBe(done);
    await owner.restore('silver', { version: 1, discard: true });
    const { removed, balanced, deep } = await owner.ledger({ deep: true });
    expect({ balanced, deep }).toMatchObject({
      balanced: true,
      deep: { missing: [], repeated: [], removedOffsets: removed, unbookedRemovals: 0 },
    });
    expect(removed).toBeGreaterThan(0);
    await owner.close();
  });

  it('is refused when the log no longer holds the offsets; --discard books the rows as removed', async () => {
    const log = lake.log({ segmentBytes: 20_000, retentionMs: 1, clock: () => Date.now() + 100_000 });
    const writer = await log.openWriter();
    for (let from = 0; from < workload.records.length; from += 20) {
      await writer.append(workload.records.slice(from, from + 20));
    }
    const owner = await lake.open({ settings: smallBatches });
    await owner.catchUp(() => undefined);
    const reader = await log.openReader();
    expect((await applyLogRetention(writer, reader))?.deletedSegments).toBeGreaterThan(3);
    const version = await versionOf(owner, 0);
    await expect(owner.restore('silver', { version })).rejects.toMatchObject({
      code: 'restore-log-gone',
      hint: expect.stringContaining('--discard') as string,
    });
    await expectExactlyOnceBarLog(owner);
    const result = await owner.restore('silver', { version, discard: true });
    expect(result.toReadAgain).toBe(0);
    await owner.catchUp(() => undefined);
    const ledger = await owner.ledger({ deep: true });
    expect(ledger).toMatchObject({
      silver: result.rowsAfter,
      removed: result.rowsBefore - result.rowsAfter,
      in_flight: 0,
      balanced: true,
    });
    expect(ledger.deep).toMatchObject({ missing: [], repeated: [], unbookedRemovals: 0 });
    expect(ledger.deep?.removedOffsets).toBeLessThanOrEqual(ledger.removed);
    await reader.close();
    await writer.close();
    await owner.close();
  });

  async function expectExactlyOnceBarLog(owner: LakeOwner): Promise<void> {
    expect(await owner.ledger({ deep: true })).toMatchObject({
      silver: workload.silverIds.size,
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
  }

  it('keeps what will be read again from log retention', async () => {
    const log = lake.log({ segmentBytes: 20_000, retentionMs: 1, clock: () => Date.now() + 100_000 });
    const writer = await log.openWriter();
    for (let from = 0; from < workload.records.length; from += 20) {
      await writer.append(workload.records.slice(from, from + 20));
    }
    const owner = await lake.open({ settings: smallBatches });
    await owner.catchUp(() => undefined);
    await owner.restore('silver', { version: 0 });
    const reader = await log.openReader();
    expect(await applyLogRetention(writer, reader)).toMatchObject({ deletedSegments: 0 });
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await reader.close();
    await writer.close();
    await owner.close();
  });

  it.each(['dead_letters', 'duplicates'] as const)('%s is never restored alone', async (table) => {
    const owner = await filled();
    await expect(owner.restore(table, { version: 0 })).rejects.toMatchObject({
      code: 'restore-not-possible',
    });
    await expect(owner.restore('silver', {})).rejects.toMatchObject({ code: 'restore-not-possible' });
    await expect(owner.restore('silver', { version: 99 })).rejects.toMatchObject({
      code: 'delta-version-not-found',
    });
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });

  it('a failure between forgetting the dedupe state and the commit costs a rebuild and nothing else', async () => {
    await (await filled()).close();
    const failing = failOnce('delta-before-commit');
    const owner = await lake.open({ settings: smallBatches, crashPoints: failing });
    const version = await versionOf(owner, 0);
    failing.armed = true;
    await expect(owner.restore('silver', { version })).rejects.toThrow('delta-before-commit');
    await lake.append([collected([...workload.silverIds][0] ?? '', 'u', Date.now())]);
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, {
      ...workload,
      records: [...workload.records, workload.records[0]].flatMap((r) => r ?? []),
      duplicates: workload.duplicates + 1,
    });
    await owner.close();
  });
});

function failOnce(name: string): CrashPoints & { armed: boolean } {
  const points = {
    armed: false,
    reach(found: string) {
      if (!points.armed || found !== name) return;
      points.armed = false;
      throw new Error(`failed at ${name}`);
    },
  };
  return points;
}

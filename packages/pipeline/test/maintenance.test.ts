import type { AddFile, Snapshot } from '@clicklake/delta-lake';
import { defaultMaintenanceSettings } from '@clicklake/pipeline';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planUpkeep } from '../src/maintenance/plan-compaction.ts';
import { expectExactlyOnce } from './harness/expectations.ts';
import { makeWorkload } from './harness/records.ts';
import { createTestLake, everyCommits, type TestLake } from './harness/test-lake.ts';

const mib = 1024 * 1024;

function file(path: string, size: number, date: string): AddFile {
  const partitionValues = { event_date: date };
  return { path, partitionValues, size, modificationTime: 0, dataChange: true, stats: null, tags: null };
}

function snapshotOf(files: readonly AddFile[]): Pick<Snapshot, 'files'> {
  return { files: new Map(files.map((each) => [each.path, each])) };
}

describe('which partitions are worth a compaction', () => {
  const settings = {
    ...defaultMaintenanceSettings,
    smallFiles: 3,
    smallFileBytes: 8 * mib,
    mediumFiles: 2,
    targetFileBytes: 128 * mib,
  };
  const plan = (files: readonly AddFile[]) => planUpkeep(snapshotOf(files), settings);
  const many = (count: number, size: number, date: string): AddFile[] =>
    Array.from({ length: count }, (_, index) => file(`${date}-${size}-${index}`, size, date));

  it('none while there are few files, or only full ones', () => {
    expect(plan([])).toEqual([]);
    expect(plan([...many(2, mib, '2026-01-01'), ...many(1, 20 * mib, '2026-01-01')])).toEqual([]);
    expect(plan(many(50, 120 * mib, '2026-01-01'))).toEqual([]);
  });

  it('small files are packed among themselves; with enough medium ones everything below full is', () => {
    expect(
      plan([
        ...many(3, mib, '2026-01-01'),
        ...many(2, 20 * mib, '2026-01-02'),
        ...many(3, mib, '2026-01-02'),
        ...many(2, mib, '2026-01-03'),
      ]),
    ).toEqual([
      { partitions: [{ event_date: '2026-01-02' }], smallFileBytes: 96 * mib },
      { partitions: [{ event_date: '2026-01-01' }], smallFileBytes: 8 * mib },
    ]);
  });

  it('none of a partition that was written to of late, when that is asked for', () => {
    const files = [...many(3, mib, '2026-01-01'), ...many(3, mib, '2026-01-02')].map((each, index) => ({
      ...each,
      modificationTime: index,
    }));
    expect(planUpkeep(snapshotOf(files), settings, 4)).toEqual([
      { partitions: [{ event_date: '2026-01-01' }], smallFileBytes: 8 * mib },
    ]);
  });

  it('whatever comes, files stay few and each byte is rewritten a few times only', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 10_000, max: 6 * mib }), { minLength: 500, maxLength: 2000 }),
        (commits) => {
          let files: AddFile[] = [];
          let rewritten = 0;
          let written = 0;
          commits.forEach((size, commit) => {
            files.push(file(`${commit}`, size, '2026-01-01'));
            written += size;
            if (commit % defaultMaintenanceSettings.commitsBetweenLooks !== 0) return;
            for (const { smallFileBytes } of planUpkeep(snapshotOf(files), defaultMaintenanceSettings)) {
              const packed = files.filter((each) => each.size < smallFileBytes);
              rewritten += sizeOf(packed);
              files = [
                ...files.filter((each) => each.size >= smallFileBytes),
                ...filled(sizeOf(packed), `${commit}`),
              ];
            }
            const full = files.filter(
              ({ size }) => size >= 0.75 * defaultMaintenanceSettings.targetFileBytes,
            ).length;
            expect(files.length - full).toBeLessThanOrEqual(
              defaultMaintenanceSettings.smallFiles +
                defaultMaintenanceSettings.mediumFiles +
                defaultMaintenanceSettings.commitsBetweenLooks,
            );
          });
          expect(rewritten).toBeLessThan(3 * written + defaultMaintenanceSettings.targetFileBytes);
        },
      ),
      { numRuns: 25 },
    );
  });

  function sizeOf(files: readonly AddFile[]): number {
    return files.reduce((sum, { size }) => sum + size, 0);
  }

  /** As OPTIMIZE bins them: full files and a rest. */
  function filled(bytes: number, name: string): AddFile[] {
    const target = defaultMaintenanceSettings.targetFileBytes;
    return Array.from({ length: Math.ceil(bytes / target) }, (_, index) =>
      file(`${name}-packed-${index}`, Math.min(target, bytes - index * target), '2026-01-01'),
    );
  }
});

describe('upkeep while ingest runs', () => {
  let lake: TestLake;
  beforeEach(async () => {
    lake = await createTestLake();
  });
  afterEach(() => lake.remove());

  it('keeps the number of files bounded, and changes no row', async () => {
    const workload = makeWorkload('kept', 260, Date.UTC(2026, 4, 5, 12));
    const owner = await lake.open({
      settings: { tickIntervalMs: 2, commitIntervalMs: 10 },
      maintenance: { smallFiles: 5, mediumFiles: 3 },
      jobs: { maintenance: everyCommits(2) },
    });
    await owner.start();
    const writer = await lake.log().openWriter();
    for (let from = 0; from < workload.records.length; from += 20) {
      await writer.append(workload.records.slice(from, from + 20));
      const committed = Math.min(from + 20, workload.records.length);
      await expect
        .poll(async () => committed - (await owner.uncommitted()), { timeout: 50_000 })
        .toBe(committed);
    }
    await writer.close();
    const history = (await owner.history('silver', 1000)) ?? [];
    expect(history.filter(({ operation }) => operation === 'OPTIMIZE').length).toBeGreaterThan(1);
    await owner.close();
    const again = await lake.open();
    await expectExactlyOnce(again, workload);
    for (const { name, files } of await again.tables()) {
      expect({ name, few: files < 15 }).toEqual({ name, few: true });
    }
    expect(again.state().maintenanceProblem).toBeNull();
    await again.close();
  });

  it('OPTIMIZE and VACUUM by hand: rows stay, removed files go once their time has come', async () => {
    const workload = makeWorkload('vacuumed', 200, Date.UTC(2026, 4, 5, 12));
    await lake.append(workload.records);
    const owner = await lake.open({ settings: { tickBytes: 6_000, commitBytes: 6_000 } });
    await owner.catchUp(() => undefined);
    const before = (await owner.tables())[0]?.files ?? 0;
    expect(before).toBeGreaterThan(3);
    const optimized = await owner.optimize('silver', { since: '2026-05-05' });
    expect(optimized).toMatchObject({ filesRemoved: before, filesAdded: 1 });
    expect(await owner.optimize('silver', { since: '2026-05-06' })).toMatchObject({ version: null });
    expect(await owner.vacuum('silver', { dryRun: true })).toMatchObject({ dryRun: true, files: [] });
    await expect(owner.vacuum('silver', { retentionHours: 1 })).rejects.toMatchObject({
      code: 'delta-retention-too-short',
    });
    await owner.close();
    const later = await lake.open({ clock: () => Date.now() + 3 * 86_400_000 });
    expect((await later.vacuum('silver', { dryRun: true })).files).toHaveLength(before);
    expect((await later.vacuum('silver', {})).files).toHaveLength(before);
    expect((await later.vacuum('silver', {})).files).toEqual([]);
    await expectExactlyOnce(later, workload);
    await later.close();
  });
});

import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NewRecord } from '@clicklake/event-log';
import type { LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from './harness/child.ts';
import { expectBalanced, expectExactlyOnce, rowCommits, silverIds } from './harness/expectations.ts';
import { collected, makeWorkload, type Workload } from './harness/records.ts';
import { createTestLake, smallBatches, type TestLake } from './harness/test-lake.ts';

let lake: TestLake;
let workload: Workload;
beforeEach(async () => {
  lake = await createTestLake();
  workload = makeWorkload('restored', 400, Date.now() - 60_000);
});
afterEach(() => lake.remove());

describe('a restore of Silver takes duplicates along (S3.1, S4.3)', () => {
  const again = (id: string): NewRecord => collected(id, 'u', Date.now());
  const readOn = async (owner: LakeOwner, ...ids: string[]): Promise<void> => {
    await lake.append(ids.map(again));
    await owner.catchUp(() => undefined);
  };
  const newest = async (owner: LakeOwner): Promise<number> => (await rowCommits(owner)).at(-1)?.version ?? -1;

  const vacuumDuplicates = async (): Promise<void> => {
    const opened = await lake.tables();
    const options = { retentionHours: 0, allowShorterRetention: true };
    expect((await opened.tables.duplicates.vacuum(options)).keys.length).toBeGreaterThan(0);
    await opened.close();
  };

  /** `a` is there, given up, and there again: whatever is restored then, Silver has one of the two. */
  async function twice(): Promise<LakeOwner> {
    const owner = await lake.open();
    await readOn(owner, 'a');
    await owner.restore('silver', { version: 0, discard: true });
    await readOn(owner, 'a');
    // That batch is on record, with all its verdicts.
    await readOn(owner, 'x', 'x');
    return owner;
  }

  it('what is read again is judged by what Silver holds then, back and forth', async () => {
    const owner = await twice();
    const before = await newest(owner);
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'x']);
    await owner.restore('silver', { version: 0 });
    await expectBalanced(owner);
    await owner.catchUp(() => undefined);
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'x']);
    expect(await owner.ledger({ deep: false })).toMatchObject({ silver: 2, duplicates: 2, removed: 0 });
    await expectBalanced(owner);
    await owner.restore('silver', { version: before });
    expect(await owner.ledger({ deep: false })).toMatchObject({ silver: 2, duplicates: 1, removed: 1 });
    await expectBalanced(owner);
    await readOn(owner, 'a', 'x', 'b');
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'b', 'x']);
    await expectBalanced(owner);
    await owner.close();
  });

  it('also where a crash left more of them than Silver covers, and a smaller batch came after', async () => {
    await lake.append(workload.records, workload.records.length);
    const killed = await runChild({
      home: lake.paths.home,
      crashAt: 'ingest-between-duplicates-and-silver',
      steps: ['catch-up'],
    });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const owner = await lake.open({ settings: smallBatches });
    await owner.catchUp(() => undefined);
    const first = (await rowCommits(owner))[0]?.version ?? -1;
    await owner.restore('silver', { version: first });
    await expectBalanced(owner);
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });

  it('--discard is refused where other records are duplicates by now than were then', async () => {
    const owner = await twice();
    const before = await newest(owner);
    await owner.restore('silver', { version: 0 });
    await owner.catchUp(() => undefined);
    const since = await newest(owner);
    await expect(owner.restore('silver', { version: before, discard: true })).rejects.toMatchObject({
      code: 'restore-not-possible',
      hint: expect.stringContaining('without --discard') as string,
    });
    await owner.restore('silver', { version: before });
    await expect(owner.restore('silver', { version: since, discard: true })).rejects.toMatchObject({
      code: 'restore-not-possible',
    });
    await expectBalanced(owner);
    // Of what came before, both have the same on record.
    await readOn(owner, 'y');
    const same = await newest(owner);
    await readOn(owner, 'z', 'z');
    await owner.restore('silver', { version: same, discard: true });
    await expectBalanced(owner);
    await owner.close();
  });

  it('in a lake whose commits name none, by when they were made, and undone at once', async () => {
    await lake.append(workload.records);
    const full = await lake.open({ settings: smallBatches });
    await full.catchUp(() => undefined);
    await full.close();
    const names = await forgetNames();
    const owner = await lake.open();
    const last = await newest(owner);
    expect(names).toBeGreaterThan(2);
    await owner.restore('silver', { version: (await rowCommits(owner))[1]?.version ?? -1 });
    await expectBalanced(owner);
    await owner.restore('silver', { version: 0 });
    await owner.restore('silver', { version: last });
    await expectBalanced(owner);
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });

  it('whose files somebody deletes after a crash keep the verdicts that there are', async () => {
    const prepared = await twice();
    await prepared.restore('silver', { version: 0 });
    await prepared.catchUp(() => undefined);
    const version = await newest(prepared);
    await readOn(prepared, 'b', 'b');
    await prepared.optimize('duplicates', {});
    await prepared.close();
    const crashAt = 'delta-after-commit';
    const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['restore'], version });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    await vacuumDuplicates();
    const owner = await lake.open();
    await expectBalanced(owner);
    await readOn(owner, 'a', 'b', 'c');
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'b', 'c', 'x']);
    await expectBalanced(owner);
    await owner.close();
  });

  /** Takes the names out of Silver's log, as if an earlier version had written it. */
  async function forgetNames(): Promise<number> {
    const log = join(lake.paths.tables.silver, '_delta_log');
    let names = 0;
    for (const entry of (await readdir(log)).filter((name) => name.endsWith('.json'))) {
      const path = join(log, entry);
      const { mtime } = await stat(path);
      const lines = (await readFile(path, 'utf8')).split('\n');
      const kept = lines.filter((line) => !line.includes('clicklake-duplicates-version'));
      names += lines.length - kept.length;
      await writeFile(path, kept.join('\n'));
      await utimes(path, mtime, mtime);
    }
    return names;
  }

  it('also after their files were made one, and while nothing has been a duplicate for long', async () => {
    const owner = await twice();
    await readOn(owner, 'x');
    await readOn(owner, 'y');
    const wanted = await newest(owner);
    await owner.optimize('duplicates', {});
    await vacuumDuplicates();
    await readOn(owner, 'z');
    // Files of the version that `y` was committed with are gone; a later one has the same rows.
    await owner.restore('silver', { version: wanted });
    await expectBalanced(owner);
    await owner.catchUp(() => undefined);
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'x', 'y', 'z']);
    const { version } = (await rowCommits(owner))[1] ?? { version: -1 };
    await expect(owner.restore('silver', { version })).resolves.toMatchObject({ restoredTo: version });
    await expectBalanced(owner);
    await owner.close();
  });

  it('is refused when VACUUM has taken the files of theirs, and then nothing has happened', async () => {
    const owner = await twice();
    const wanted = await newest(owner);
    await readOn(owner, 'x');
    await owner.optimize('duplicates', {});
    await vacuumDuplicates();
    await expect(owner.restore('silver', { version: wanted })).rejects.toMatchObject({
      code: 'restore-not-possible',
      message: expect.stringContaining('are gone') as string,
    });
    await readOn(owner, 'a');
    expect((await silverIds(owner)).toSorted()).toEqual(['a', 'x']);
    await expectBalanced(owner);
    await owner.close();
  });

  it.each(['delta-before-commit', 'delta-after-commit', 'delta-before-commit:2', 'delta-after-commit:2'])(
    'kill -9 at %s: each offset is in one place before and after the next start',
    async (crashAt) => {
      const prepared = await twice();
      const version = await newest(prepared);
      await prepared.restore('silver', { version: 0 });
      await prepared.catchUp(() => undefined);
      await prepared.close();
      // By now the second `a` is a duplicate, and in that version it is the one that Silver has.
      const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['restore'], version });
      expect(killed.signal, killed.stderr).toBe('SIGKILL');
      const reader = await lake.openReader();
      expect(await reader.ledger({ deep: true })).toMatchObject({
        balanced: true,
        deep: { missing: [], repeated: [] },
      });
      await reader.close();
      const owner = await lake.open();
      await expectBalanced(owner);
      await readOn(owner, 'a', 'x');
      expect((await silverIds(owner)).toSorted()).toEqual(['a', 'x']);
      await expectBalanced(owner);
      await owner.close();
    },
  );
});

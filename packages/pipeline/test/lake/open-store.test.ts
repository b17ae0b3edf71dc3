import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { localStore, type OpenStore } from '@clicklake/delta-lake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectExactlyOnce } from '../harness/expectations.ts';
import { makeWorkload } from '../harness/records.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

let lake: TestLake;
let elsewhere: string;
beforeEach(async () => {
  lake = await createTestLake();
  elsewhere = await mkdtemp(join(tmpdir(), 'clicklake-elsewhere-'));
});
afterEach(async () => {
  await lake.remove();
  await rm(elsewhere, { recursive: true });
});

it('tables lie where whoever puts the parts together says, and nowhere else', async () => {
  const openStore: OpenStore = (root) => localStore(join(elsewhere, relative(lake.paths.lake, root)));
  const workload = makeWorkload('moved', 150, Date.now() - 60_000);
  await lake.append(workload.records);
  const owner = await lake.open({ openStore });
  await owner.catchUp(() => undefined);
  await expectExactlyOnce(owner, workload);
  await owner.refresh({ full: false, models: [] });
  await owner.restore('silver', { version: 0, discard: true });
  expect(await owner.ledger({ deep: true })).toMatchObject({ silver: 0, balanced: true });
  await owner.close();
  await expect(stat(lake.paths.lake)).rejects.toMatchObject({ code: 'ENOENT' });
  const silver = join(elsewhere, 'user-behavior-analytics-silver');
  expect((await readdir(silver)).toSorted()).toEqual([
    'clickstream',
    'dead_letters',
    'duplicates',
    'removals',
  ]);
  expect(await readdir(join(elsewhere, 'user-behavior-analytics-gold'))).toContain('daily_aggregates');
});

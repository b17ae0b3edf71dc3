import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectExactlyOnce } from './harness/expectations.ts';
import { makeWorkload } from './harness/records.ts';
import { testLakeAt, type TestLake } from './harness/test-lake.ts';

const patient = { timeout: 120_000, interval: 50 };
let directory: string;
let lake: TestLake;

// A real, small disk: mounting needs root, which CI is.
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clicklake-small-disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory]);
  lake = testLakeAt(join(directory, 'home'));
});
afterEach(async () => {
  execFileSync('umount', [directory]);
  await rm(directory, { recursive: true });
});

/** Takes what is left of the disk, but for so many bytes. */
async function fillBut(bytes: number): Promise<string> {
  const ballast = join(directory, 'ballast');
  const free = Number(execFileSync('df', ['--output=avail', '-B1', directory]).toString().split('\n')[1]);
  await writeFile(ballast, Buffer.alloc(Math.max(0, free - bytes)));
  return ballast;
}

it.each([0, 4_096, 20_480, 65_536, 200_000])(
  'a disk with %i bytes left stalls ingest; with room again nothing is missing',
  async (left) => {
    const workload = makeWorkload('full', 400, Date.now() - 60_000);
    const owner = await lake.open({
      settings: { tickIntervalMs: 5, commitIntervalMs: 20, tickBytes: 16_000 },
    });
    await lake.append(workload.records);
    const ballast = await fillBut(left);
    await owner.start();
    await expect.poll(() => owner.state().phase, patient).toBe('stalled');
    expect(owner.state().problem?.hint).toContain('disk is full');
    expect(await owner.ledger({ deep: true })).toMatchObject({ balanced: true });
    await rm(ballast);
    await expect.poll(() => owner.uncommitted(), patient).toBe(0);
    await expect.poll(() => owner.state().phase, patient).toBe('running');
    await expectExactlyOnce(owner, workload);
    await owner.close();
  },
);

it('a stop on a full disk ends with a clear error, and the next start makes it whole', async () => {
  const workload = makeWorkload('stopped', 400, Date.now() - 60_000);
  const owner = await lake.open({ settings: { tickIntervalMs: 5, commitIntervalMs: 3_600_000 } });
  await lake.append(workload.records);
  await owner.start();
  await expect.poll(() => owner.state().processed, patient).toBe(workload.records.length);
  const ballast = await fillBut(0);
  await expect(owner.close()).rejects.toMatchObject({
    code: 'ingest-tail-uncommitted',
    hint: expect.stringContaining('disk is full') as string,
  });
  await rm(ballast);
  const again = await lake.open();
  await again.catchUp(() => undefined);
  await expectExactlyOnce(again, workload);
  await again.close();
});

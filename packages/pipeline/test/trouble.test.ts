import { execFile } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeFileSystem } from '@clicklake/durable-files';
import { faultyFileSystem, noFaults } from '@clicklake/durable-files/testing';
import type { LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { corruptSegment } from './harness/damage.ts';
import { expectExactlyOnce } from './harness/expectations.ts';
import { firstRow, openLakeQueries } from './harness/queries.ts';
import { collected, makeWorkload, type Workload } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

const quick = { tickIntervalMs: 5, commitIntervalMs: 30 };
const patient = { timeout: 50_000 };
let lake: TestLake;
let workload: Workload;
beforeEach(async () => {
  lake = await createTestLake();
  workload = makeWorkload('trouble', 120, Date.now() - 60_000);
});
afterEach(() => lake.remove());

async function expectPhase(owner: LakeOwner, phase: string): Promise<void> {
  await expect.poll(() => owner.state().phase, patient).toBe(phase);
}

describe('a corrupted segment (S5.1)', () => {
  it('stops ingest with range and way out, leaves the rest readable, and goes on once it is given up', async () => {
    await lake.append(workload.records, 5);
    await corruptSegment(lake, 'clickstream-events', 1);
    const engine = await openLakeQueries(lake);
    const owner = await lake.open({ settings: quick, queryEngine: engine });
    await owner.start();
    await expectPhase(owner, 'stalled');
    const { problem } = owner.state();
    expect(problem).toMatchObject({
      code: 'ingest-corrupt-range',
      message: expect.stringMatching(/clickstream-events, partition 1.*Records \d+ to \d+/) as string,
      hint: expect.stringContaining('clicklake topics skip-corrupt clickstream-events 1') as string,
    });
    // What was taken up before is committed all the same.
    await expect.poll(() => owner.state().tailRows, patient).toBe(0);
    const [visible] = await firstRow(engine, owner, 'SELECT count(*) FROM silver');
    expect(Number(visible)).toBe((await owner.ledger({ deep: true })).silver);

    const writer = await lake.log().openWriter();
    const given = await writer.skipCorrupt('clickstream-events', 1);
    await writer.close();
    await expectPhase(owner, 'running');
    await expect.poll(() => owner.uncommitted(), patient).toBe(0);
    const lost = Number(given.reduce((sum, { from, to }) => sum + (to - from), 0n));
    expect(await owner.ledger({ deep: true })).toMatchObject({
      unreadable: lost,
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
    expect(owner.state().problem).toBeNull();
    await owner.close();
    await engine.close();
  });
});

describe('a full disk', () => {
  it('stalls commits, says why, loses nothing, and goes on when there is room', async () => {
    const faults = noFaults();
    const files = faultyFileSystem(nodeFileSystem, faults);
    const owner = await lake.open({ files, settings: quick });
    faults.bytesLeft = 0;
    await owner.start();
    // Taken up in one tick; the commit fails, and nothing more comes to wake anybody.
    await lake.append(workload.records, workload.records.length);
    await expectPhase(owner, 'stalled');
    expect(owner.state().problem).toMatchObject({
      message: expect.stringContaining('ENOSPC') as string,
      hint: expect.stringContaining('disk is full') as string,
    });
    expect(await owner.ledger({ deep: true })).toMatchObject({ silver: 0, balanced: true });
    faults.bytesLeft = Number.POSITIVE_INFINITY;
    await expectPhase(owner, 'running');
    await expect.poll(() => owner.uncommitted(), patient).toBe(0);
    expect(owner.state().problem).toBeNull();
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });

  it('at whatever byte it fills, the commit is whole or is made whole', async () => {
    const faults = noFaults();
    const owner = await lake.open({
      files: faultyFileSystem(nodeFileSystem, faults),
      settings: { tickBytes: 8_000, commitBytes: 16_000 },
    });
    await lake.append(workload.records);
    for (let bytes = 100; ; bytes = Math.ceil(bytes * 1.6)) {
      faults.bytesLeft = bytes;
      const error: unknown = await owner
        .catchUp(() => undefined)
        .then(
          () => undefined,
          (found: unknown) => found,
        );
      expect(await owner.ledger({ deep: true })).toMatchObject({ balanced: true });
      if (error === undefined) break;
    }
    await expectExactlyOnce(owner, workload);
    faults.bytesLeft = Number.POSITIVE_INFINITY;
    await owner.close();
  });

  it('a stop meanwhile ends, with a clear error and everything released; the next start loses nothing', async () => {
    const faults = noFaults();
    const owner = await lake.open({ files: faultyFileSystem(nodeFileSystem, faults), settings: quick });
    faults.bytesLeft = 0;
    await owner.start();
    await lake.append(workload.records, workload.records.length);
    await expectPhase(owner, 'stalled');
    const closing = owner.close();
    await expect(closing).rejects.toMatchObject({
      code: 'ingest-tail-uncommitted',
      message: expect.stringContaining('ENOSPC') as string,
      hint: expect.stringContaining('Nothing is lost') as string,
    });
    expect(owner.close()).toBe(closing);
    const again = await lake.open();
    await again.catchUp(() => undefined);
    await expectExactlyOnce(again, workload);
    await again.close();
  });

  it('an I/O error of fsync while committing is nobody’s loss', async () => {
    await lake.append(workload.records);
    const faults = noFaults();
    const owner = await lake.open({ files: faultyFileSystem(nodeFileSystem, faults) });
    for (let syncs = 0; ; syncs += 1) {
      faults.syncsLeft = syncs;
      const error: unknown = await owner
        .catchUp(() => undefined)
        .then(
          () => undefined,
          (found: unknown) => found,
        );
      if (error === undefined) break;
      faults.syncsLeft = Number.POSITIVE_INFINITY;
      expect(await owner.ledger({ deep: false })).toMatchObject({ balanced: true });
    }
    faults.syncsLeft = Number.POSITIVE_INFINITY;
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });
});

describe('a directory that may not be written', () => {
  it('stalls, and a lake that this process does not own can be read', async () => {
    await lake.append(workload.records);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await owner.close();
    const faults = noFaults();
    faults.readOnly = true;
    const files = faultyFileSystem(nodeFileSystem, faults);
    const reader = await lake.openReader(files);
    expect(await reader.ledger({ deep: true })).toMatchObject({
      silver: workload.silverIds.size,
      balanced: true,
    });
    await reader.close();

    await lake.append([collected('later', 'u', Date.now())]);
    faults.readOnly = false;
    const again = await lake.open({ files, settings: quick });
    faults.readOnly = true;
    await again.start();
    await expectPhase(again, 'stalled');
    expect(again.state().problem?.message).toContain('EROFS');
    faults.readOnly = false;
    await expectPhase(again, 'running');
    await again.close();
  });

  it('an owner that cannot open lets go of everything it had', async () => {
    const faults = noFaults();
    faults.readOnly = true;
    await expect(lake.open({ files: faultyFileSystem(nodeFileSystem, faults) })).rejects.toThrow('EROFS');
    const owner = await lake.open();
    await owner.close();
  });
});

describe('two owners (S3.4)', () => {
  it('the second is refused with the pid of the first', async () => {
    const owner = await lake.open();
    await expect(lake.open()).rejects.toMatchObject({
      code: 'files-lock-held',
      details: { pid: process.pid },
      message: expect.stringContaining(String(process.pid)) as string,
    });
    await owner.close();
    await (await lake.open()).close();
  });

  it('another writer that slipped past the lease is fenced off, and nothing is stored twice', async () => {
    await lake.append(workload.records);
    // One tick, and then none for long.
    const first = await lake.open({ settings: { tickIntervalMs: 3_600_000, commitIntervalMs: 3_600_000 } });
    await first.start();
    await expect.poll(() => first.state().processed, patient).toBe(workload.records.length);
    await rm(lake.paths.ingestLock);
    const second = await lake.open();
    await second.catchUp(() => undefined);
    // The stop takes up what is new, and would commit it together with what the second one has committed.
    const more = [collected('more-0', 'user-1', Date.now()), collected('more-1', 'user-2', Date.now())];
    await lake.append(more);
    await expect(first.close()).rejects.toMatchObject({
      code: 'ingest-tail-uncommitted',
      message: expect.stringContaining('Another process') as string,
    });
    await second.catchUp(() => undefined);
    await expectExactlyOnce(second, {
      ...workload,
      records: [...workload.records, ...more],
      silverIds: new Set([...workload.silverIds, 'more-0', 'more-1']),
    });
    await second.close();
  });
});

describe('state that is not what it was', () => {
  it('a deleted checkpoint is made up for by the log', async () => {
    await lake.append(workload.records);
    const opened = await lake.tables();
    await opened.tables.silver.setProperties({ 'delta.checkpointInterval': '2' });
    await opened.close();
    const owner = await lake.open({ settings: { tickBytes: 8_000, commitBytes: 8_000 } });
    await owner.catchUp(() => undefined);
    await owner.close();
    const log = join(lake.paths.tables.silver, '_delta_log');
    const checkpoints = (await readdir(log)).filter((name) => name.includes('checkpoint'));
    expect(checkpoints.length).toBeGreaterThan(1);
    for (const name of checkpoints) if (name.endsWith('.parquet')) await rm(join(log, name));
    const again = await lake.open();
    await again.catchUp(() => undefined);
    await expectExactlyOnce(again, workload);
    await again.close();
  });

  it('a log that was reset alone is named, not read as if it were the old one', async () => {
    await lake.append(workload.records);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await owner.close();
    await rm(lake.paths.log, { recursive: true });
    await lake.append([collected('new', 'user-1', Date.now())]);
    const again = await lake.open({ settings: quick });
    await expect(again.catchUp(() => undefined)).rejects.toMatchObject({
      code: 'lake-log-mismatch',
      hint: expect.stringContaining('clicklake reset') as string,
    });
    await again.start();
    await expectPhase(again, 'failed');
    await expect(again.close()).rejects.toMatchObject({ code: 'ingest-tail-uncommitted' });
  });

  it('a lake that was reset alone is filled from the log again', async () => {
    await lake.append(workload.records);
    const owner = await lake.open();
    await owner.catchUp(() => undefined);
    await owner.close();
    await rm(lake.paths.lake, { recursive: true });
    const again = await lake.open();
    await again.catchUp(() => undefined);
    await expectExactlyOnce(again, workload);
    await again.close();
  });

  it('a lake that was reset alone says so when the log has begun to forget', async () => {
    const log = lake.log({ segmentBytes: 10_000, retentionMs: 1, clock: () => Date.now() + 100_000 });
    const writer = await log.openWriter();
    for (const record of workload.records) await writer.append([record]);
    const reader = await log.openReader();
    const ends = await reader.describe();
    await reader.close();
    const keep = ends.map(({ endOffset }) => endOffset);
    await writer.applyRetention({
      'clickstream-events': keep.slice(0, 3),
      'clickstream-errors': keep.slice(3),
    });
    await writer.close();
    const owner = await lake.open();
    await expect(owner.catchUp(() => undefined)).rejects.toMatchObject({ code: 'lake-log-gone' });
    await owner.close();
  });

  it('a clock that jumps back holds up nothing (S1.5)', async () => {
    let clock = Date.now() + 3_600_000;
    const owner = await lake.open({ clock: () => clock, settings: { ...quick, commitIntervalMs: 600_000 } });
    await owner.start();
    await lake.append([collected('before', 'u', Date.now())]);
    await expect.poll(() => owner.state().tailRows, patient).toBe(1);
    clock -= 7_200_000;
    await lake.append([collected('after', 'u', Date.now())]);
    await expect.poll(() => owner.state().commits, patient).toBeGreaterThan(0);
    await owner.close();
    const opened = await lake.tables();
    const { version } = await opened.tables.silver.snapshot();
    for (let at = 0; at <= version; at += 1) {
      expect((await opened.tables.silver.snapshotAt({ version: at })).version).toBe(at);
    }
    expect((await opened.tables.silver.snapshotAt({ timestamp: Date.now() + 1000 })).version).toBe(version);
    await opened.close();
    const again = await lake.open();
    expect(await again.ledger({ deep: true })).toMatchObject({ silver: 2, balanced: true });
    await again.close();
  });
});

it('no file stays open and no scratch stays behind', async () => {
  await lake.append(workload.records);
  const owner = await lake.open({ settings: { tickBytes: 8_000, commitBytes: 8_000 } });
  await owner.catchUp(() => undefined);
  await owner.close();
  const { stdout } = await promisify(execFile)('ls', ['-l', `/proc/${process.pid}/fd`]);
  expect(stdout.split('\n').filter((line) => line.includes(lake.paths.home))).toEqual([]);
});

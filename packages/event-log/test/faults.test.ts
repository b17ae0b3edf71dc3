import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFileSystem } from '@clicklake/durable-files';
import { faultyFileSystem, noFaults, type Faults } from '@clicklake/durable-files/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorRecords, newRecord, readFrom, text, withReader } from './support/records.ts';
import { appendGroups, temporaryLog, type TemporaryLog } from './support/temporary-log.ts';

const topic = 'clickstream-errors';
let log: TemporaryLog;
let faults: Faults;
const openFaulty = (options: Parameters<TemporaryLog['open']>[0] = {}) =>
  log.open({ files: faultyFileSystem(nodeFileSystem, faults), minFreeBytes: 0, ...options });

beforeEach(async () => {
  log = await temporaryLog();
  faults = noFaults();
});
afterEach(() => log.remove());

const readAll = () => withReader(log.open(), async (reader) => (await readFrom(reader, topic, 0)).map(text));

describe('a full disk (S5.3)', () => {
  it('accepts nothing of a group that did not fit, at any byte, and goes on when there is room', async () => {
    const writer = await openFaulty().openWriter();
    await writer.append(errorRecords(0, 1));
    let next = 1;
    for (let room = 0; room < 700; room += 13) {
      faults.bytesLeft = room;
      const group = [writer.append(errorRecords(next, 2)), writer.append(errorRecords(next + 2, 1))];
      const later = new Promise((resolve) => setImmediate(resolve)).then(() =>
        writer.append(errorRecords(next + 3, 1)),
      );
      const results = await Promise.allSettled([...group, later]);
      const rejected = results.filter((result) => result.status === 'rejected');
      for (const { reason } of rejected) expect(reason).toMatchObject({ code: 'log-full', retryable: true });
      faults.bytesLeft = Number.POSITIVE_INFINITY;
      const accepted = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
      expect(accepted.map(({ offset }) => offset)).toEqual(accepted.map((_, index) => BigInt(next + index)));
      next += accepted.length;
      expect((await writer.append(errorRecords(next, 1)))[0]?.offset).toBe(BigInt(next));
      next += 1;
    }
    await writer.close();
    expect(await readAll()).toHaveLength(next);
    await withReader(log.open(), async (reader) => {
      expect(await reader.verify(topic, 0)).toEqual([]);
      expect((await reader.describe()).at(-1)?.appended).toBe(BigInt(next));
    });
  });

  it('fills up in the midst of a new segment, and creates it later', async () => {
    const writer = await openFaulty({ segmentBytes: 400 }).openWriter();
    await writer.append(errorRecords(0, 5));
    faults.bytesLeft = 50;
    await expect(writer.append(errorRecords(5, 1))).rejects.toMatchObject({ code: 'log-full' });
    faults.bytesLeft = Number.POSITIVE_INFINITY;
    expect((await writer.append(errorRecords(5, 1)))[0]?.offset).toBe(5n);
    await writer.close();
    expect(await readAll()).toHaveLength(6);
  });

  it('answers log-full at the limits of the settings, before anything is written', async () => {
    const writer = await openFaulty({ maxDiskBytes: 2000 }).openWriter();
    await writer.append([newRecord({ topic, value: 'x'.repeat(500) })]);
    await expect(writer.append([newRecord({ topic, value: 'x'.repeat(1000) })])).rejects.toMatchObject({
      code: 'log-full',
      retryable: true,
      details: { limit: 'max-disk-bytes' },
    });
    expect((await writer.append([newRecord({ topic, value: 'x'.repeat(100) })]))[0]?.offset).toBe(1n);
    await writer.close();
    const files = { ...nodeFileSystem, freeBytes: () => Promise.resolve(10_000) };
    const nearlyFull = await log.open({ files, minFreeBytes: 9_950 }).openWriter();
    await expect(nearlyFull.append([newRecord()])).resolves.toHaveLength(1);
    await expect(nearlyFull.append([newRecord({ value: 'x'.repeat(100) })])).rejects.toMatchObject({
      code: 'log-full',
      details: { limit: 'min-free-bytes' },
    });
    await nearlyFull.close();
  });

  it('fails for good when what was written cannot be cut off again', async () => {
    const writer = await openFaulty().openWriter();
    faults.bytesLeft = 100;
    faults.truncatesLeft = 0;
    await expect(writer.append(errorRecords(0, 1))).rejects.toMatchObject({ code: 'log-writer-failed' });
    faults.bytesLeft = Number.POSITIVE_INFINITY;
    await expect(writer.append(errorRecords(0, 1))).rejects.toMatchObject({ code: 'log-writer-failed' });
    await writer.close();
    await appendGroups(log.open(), [errorRecords(0, 1)]);
    expect(await readAll()).toEqual(['value 0']);
  });
});

describe('an fsync that fails (S5.1)', () => {
  it('is fatal to the writer: nothing pending is accepted, nothing later either, and no reader saw it', async () => {
    const opened = openFaulty();
    const writer = await opened.openWriter();
    const reader = await opened.openReader();
    await writer.append(errorRecords(0, 1));
    faults.syncsLeft = 0;
    const pending = [writer.append(errorRecords(1, 1)), writer.append([newRecord()])];
    const collected = new Promise((resolve) => setImmediate(resolve)).then(() =>
      writer.append(errorRecords(2, 1)),
    );
    for (const append of [...pending, collected]) {
      await expect(append).rejects.toMatchObject({
        code: 'log-writer-failed',
        retryable: false,
        message: expect.stringContaining('EIO') as string,
      });
    }
    faults.syncsLeft = Number.POSITIVE_INFINITY;
    await expect(writer.append(errorRecords(1, 1))).rejects.toMatchObject({ code: 'log-writer-failed' });
    expect((await readFrom(reader, topic, 0)).map(text)).toEqual(['value 0']);
    await reader.close();
    await writer.close();
    const next = await log.open().openWriter();
    expect((await next.append(errorRecords(1, 1)))[0]?.offset).toBe(1n);
    await next.close();
    expect(await readAll()).toEqual(['value 0', 'value 1']);
  });
});

describe('a read-only file system', () => {
  it('says so to a writer, and lets a reader read', async () => {
    await appendGroups(log.open(), [errorRecords(0, 2)]);
    faults.readOnly = true;
    await expect(openFaulty().openWriter()).rejects.toMatchObject({
      code: 'log-directory-unwritable',
      message: expect.stringContaining(log.directory) as string,
    });
    const reader = await openFaulty().openReader();
    expect((await readFrom(reader, topic, 0)).map(text)).toEqual(['value 0', 'value 1']);
    await reader.close();
    // With a torn tail that it may not cut off, it goes by the published ends.
    const segment = join(log.directory, topic, '0', '00000000000000000000.log');
    await fs.appendFile(segment, 'torn');
    const again = await openFaulty().openReader();
    expect(await readFrom(again, topic, 0)).toHaveLength(2);
    await again.close();
    await fs.rm(join(log.directory, 'durable-ends'));
    await expect(openFaulty().openReader()).rejects.toMatchObject({ code: 'log-directory-unwritable' });
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { errorRecords, keepNothing, readFrom, text, withReader } from './support/records.ts';
import { appendGroups, segmentFiles, temporaryLog, type TemporaryLog } from './support/temporary-log.ts';

const topic = 'clickstream-errors';
/** Each group gets a segment of its own: offsets 0–9, 10–19, … and timestamps alike. */
const groups = [0, 10, 20, 30, 40].map((first) => errorRecords(first, 10));
const segmentBytes = 400;

let log: TemporaryLog;
beforeEach(async () => {
  log = await temporaryLog();
  await appendGroups(log.open({ segmentBytes }), groups);
  expect(await segmentFiles(log.directory)).toHaveLength(5);
});
afterEach(() => log.remove());

async function retain(limits: Parameters<TemporaryLog['open']>[0], keepFrom = 2n ** 60n) {
  const writer = await log.open({ segmentBytes, retentionMs: 2 ** 50, ...limits }).openWriter();
  const report = await writer.applyRetention({ ...keepNothing, [topic]: [keepFrom] });
  await writer.close();
  return report;
}

async function state() {
  return withReader(log.open(), async (reader) => (await reader.describe()).at(-1));
}

describe('retention', () => {
  it('deletes segments whose newest record is too old, and only those', async () => {
    const before = await state();
    const report = await retain({ clock: () => 1020, retentionMs: 1000 });
    expect(report.deletedSegments).toBe(2);
    const after = await state();
    expect(after).toMatchObject({
      startOffset: 20n,
      endOffset: 50n,
      appended: 50n,
      segments: 3,
      lastTimestamp: 49,
    });
    expect(report.deletedBytes).toBe((before?.bytes ?? 0) - (after?.bytes ?? 0));
    await withReader(log.open(), async (reader) => {
      await expect(reader.fetch(topic, 0, 19n, 100)).rejects.toMatchObject({
        code: 'log-offset-out-of-range',
      });
      expect((await readFrom(reader, topic, 0, 20n)).map(text)).toHaveLength(30);
    });
  });

  it('deletes the oldest segments until the rest fits', async () => {
    const bytes = (await withReader(log.open(), (reader) => reader.describe())).reduce(
      (sum, each) => sum + each.bytes,
      0,
    );
    expect((await retain({ retentionBytes: bytes })).deletedSegments).toBe(0);
    expect((await retain({ retentionBytes: bytes - 1 })).deletedSegments).toBe(1);
    expect((await state())?.startOffset).toBe(10n);
  });

  it('never deletes what is still to be committed, nor the active segment', async () => {
    expect((await retain({ retentionBytes: 0 }, 19n)).deletedSegments).toBe(1);
    expect(await state()).toMatchObject({ startOffset: 10n });
    expect((await retain({ retentionBytes: 0 }, 20n)).deletedSegments).toBe(1);
    expect((await retain({ retentionBytes: 0, clock: () => 2 ** 52 })).deletedSegments).toBe(2);
    expect(await state()).toMatchObject({ startOffset: 40n, endOffset: 50n, appended: 50n, segments: 1 });
  });

  it('tells an open reader, which never looks for a file that is gone', async () => {
    const opened = log.open({ segmentBytes, retentionBytes: 0 });
    const writer = await opened.openWriter();
    const reader = await opened.openReader();
    expect(await readFrom(reader, topic, 0)).toHaveLength(50);
    await writer.applyRetention({ ...keepNothing, [topic]: [30n] });
    for (const offset of [0n, 15n, 29n]) {
      await expect(reader.fetch(topic, 0, offset, 100)).rejects.toMatchObject({
        code: 'log-offset-out-of-range',
      });
    }
    expect(await readFrom(reader, topic, 0, 30n)).toHaveLength(20);
    await reader.close();
    await writer.close();
  });
});

import { expect, test } from 'vitest';
import { openDedupeIndex } from '../../src/dedupe/index.ts';
import {
  batchOf,
  day,
  inTemporaryDirectory,
  optionsIn,
  recordsOf,
  start,
  type LogRecord,
} from './dedupe-support.ts';

const nothing = [0n, 0n, 0n];
const everything = [100_000n, 100_000n, 100_000n];

function retries(records: readonly LogRecord[]): LogRecord[] {
  return records.map((record) => ({ ...record, offset: record.offset + 50_000 }));
}

test('S3.3: what was saved beyond the covered offsets is dead as soon as the state is opened', async () => {
  await inTemporaryDirectory(async (directory) => {
    const first = await openDedupeIndex(optionsIn(directory));
    await first.index.check(batchOf(recordsOf(0, 2000, start)));
    await first.index.save({ silverVersion: 1, covered: [1000n, 1000n, 1000n] }, { force: true });
    await first.index.close();
    const { index } = await openDedupeIndex(optionsIn(directory));
    const { duplicate } = await index.check(batchOf(retries(recordsOf(0, 2000, start))));
    expect([...duplicate.subarray(0, 1000)].every((each) => each === 1)).toBe(true);
    expect(duplicate.subarray(1000).includes(1)).toBe(false);
    await index.close();
  });
});

test('S3.3: dead entries stay dead when later offsets are covered, through saves, merges and restarts', async () => {
  await inTemporaryDirectory(async (directory) => {
    const opened = await openDedupeIndex(optionsIn(directory));
    const dead = recordsOf(0, 3000, start);
    await opened.index.check(batchOf(dead));
    await opened.index.save({ silverVersion: 1, covered: nothing }, { force: true });
    await opened.index.begin(nothing);
    // Another run of like size in the same, closed bucket: the two are merged.
    await opened.index.load(
      batchOf([...recordsOf(10_000, 1000, start), ...recordsOf(20_000, 1, start + day)]),
    );
    await opened.index.save({ silverVersion: 2, covered: everything }, { force: true });
    await opened.index.settled();
    expect(opened.index.stats().entries).toBe(1001);
    await opened.index.close();

    const { index } = await openDedupeIndex(optionsIn(directory));
    expect((await index.check(batchOf(retries(dead)))).duplicate.includes(1)).toBe(false);
    expect((await index.check(batchOf(retries(recordsOf(10_000, 1000, start))))).duplicate.includes(0)).toBe(
      false,
    );
    await index.close();
  });
});

test('S3.2: ids that share the first 32 bits by the thousand are told apart, across pages', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    const crafted = Array.from({ length: 2500 }, (_, i) => ({
      hash: [0x7000_0000, i % 2, i % 3, i] as const,
      receivedAt: start,
      partition: 0,
      offset: i,
    }));
    await index.load(batchOf([...recordsOf(10_000, 2000, start), ...crafted]));
    await index.save({ silverVersion: 1, covered: everything }, { force: true });
    const known = crafted.filter((_, i) => i % 25 === 0);
    const { duplicate, first } = await index.check(batchOf(retries(known)));
    expect(duplicate.includes(0)).toBe(false);
    expect([...first.offset]).toEqual(known.map((record) => record.offset));
    const others = known.map((record) => ({ ...record, hash: [0x7000_0000, 5, 5, record.offset] as const }));
    expect((await index.check(batchOf(retries(others)))).duplicate.includes(1)).toBe(false);
    await index.close();
  });
});

test('S3.1: the window is exact to the millisecond in both directions, on disk as in memory', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    const at = (partition: number, offset: number, receivedAt: number): LogRecord => ({
      hash: [1, 2, 3, 4],
      receivedAt,
      partition,
      offset,
    });
    await index.load(batchOf([at(0, 1, start + 20 * day)]));
    for (let round = 0; round < 2; round += 1) {
      const edges = [13 * day - 1, 13 * day, 27 * day, 27 * day + 1];
      for (const [i, edge] of edges.entries()) {
        const verdicts = await index.check(batchOf([at(1, 10 * round + i, start + edge)]));
        expect(verdicts.duplicate[0]).toBe(i === 1 || i === 2 || round === 1 ? 1 : 0);
      }
      await index.save({ silverVersion: 1, covered: everything }, { force: true });
    }
    await index.close();
  });
});

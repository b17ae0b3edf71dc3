import { readdir } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openDedupeIndex, type DedupeIndex } from '../../src/dedupe/index.ts';
import {
  batchOf,
  hashWord,
  day,
  inTemporaryDirectory,
  optionsIn,
  recordsOf,
  start,
  verdictsOf,
  type LogRecord,
} from './dedupe-support.ts';

const memoryBytes = 8 * 1024 * 1024;

/** Far more than the memtable of this cap holds (16,384), over eight buckets. */
async function fill(index: DedupeIndex, ids: number): Promise<void> {
  const step = 10_000;
  for (let id = 0; id < ids; id += step) {
    const receivedAt = start + Math.floor((id / ids) * 6.9 * day);
    await index.load(batchOf(recordsOf(id, step, receivedAt)));
  }
}

/** The same ids with coordinates of their own, as a client's retry brings them. */
function retried(records: readonly LogRecord[]): LogRecord[] {
  return records.map((record) => ({
    ...record,
    offset: record.offset + 10_000_000,
    receivedAt: start + 6.9 * day,
  }));
}

test('S3.2: ids that have gone to disk are found, new ones are not, and a restart changes nothing', async () => {
  await inTemporaryDirectory(async (directory) => {
    const ids = 200_000;
    const opened = await openDedupeIndex(optionsIn(directory));
    await fill(opened.index, ids);
    await opened.index.save(
      { silverVersion: 7, covered: [BigInt(ids), BigInt(ids), BigInt(ids)] },
      { force: true },
    );
    await opened.index.close();

    const { index, state } = await openDedupeIndex(optionsIn(directory));
    expect(state).toEqual({ silverVersion: 7, covered: [200_000n, 200_000n, 200_000n] });
    await index.settled();
    const known = recordsOf(0, ids, start);
    const again = await index.check(batchOf(retried(known)));
    expect(
      verdictsOf(known, again).filter(
        ({ record, first }) => first?.partition !== record.partition || first.offset !== record.offset,
      ),
    ).toEqual([]);
    const fresh = await index.check(batchOf(recordsOf(ids, 50_000, start + 6.9 * day)));
    expect(fresh.duplicate.includes(1)).toBe(false);
    expect(index.stats().diskProbes).toBeGreaterThan(0);
    await index.close();
  });
});

test('S3.2: what the index holds stays under the cap whatever the window holds', async () => {
  await inTemporaryDirectory(async (directory) => {
    const buffersBefore = heldBuffers();
    const { index } = await openDedupeIndex(optionsIn(directory, { memoryBytes }));
    // At 12 bits a key the filters of 3 M ids take 4.5 MB; the cap leaves 4.
    for (let ids = 0; ids < 3_000_000; ids += 200_000) {
      await index.load(uniformBatch(ids, 200_000, start + (ids / 3_000_000) * day));
      expect(index.stats().memoryBytes).toBeLessThanOrEqual(memoryBytes);
    }
    await index.settled();
    expect(index.stats().entries).toBe(3_000_000);
    expect(index.stats().filterBitsPerKey).toBeLessThan(11.5);
    expect(heldBuffers() - buffersBefore).toBeLessThanOrEqual(memoryBytes);
    const again = await index.check({
      ...uniformBatch(1_000_000, 20_000, start + day),
      partitions: ones(20_000),
    });
    expect(again.duplicate.includes(0)).toBe(false);
    await index.close();
  });
});

test('merging leaves at most two runs in a closed bucket and no other file', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    await fill(index, 300_000);
    await index.save({ silverVersion: 1, covered: [300_000n, 300_000n, 300_000n] }, { force: true });
    await index.settled();
    const { runs, entries, mergeFailure } = index.stats();
    expect(mergeFailure).toBeUndefined();
    expect(entries).toBe(300_000);
    const files = await readdir(directory);
    const keyFiles = files.filter((name) => name.endsWith('.keys'));
    expect(files.length).toBe(2 * runs + 1);
    const buckets = Map.groupBy(keyFiles, (name) => Number(name.split('-')[0]));
    const newest = Math.max(...buckets.keys());
    for (const [bucket, names] of buckets) if (bucket !== newest) expect(names.length).toBeLessThanOrEqual(2);
    expect(buckets.size).toBe(7);
    await index.close();
  });
});

test('S3.2: expiry drops whole runs, their files too, and keeps those the window still reaches', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    await fill(index, 100_000);
    await index.save({ silverVersion: 1, covered: [100_000n, 100_000n, 100_000n] }, { force: true });
    await index.settled();
    await index.expire(start + 3 * day);
    const starts = (await readdir(directory))
      .filter((name) => name.endsWith('.keys'))
      .map((name) => parseInt(name));
    expect(Math.min(...starts)).toBe(start + 3 * day);
    const young = recordsOf(50_000, 1000, start).map((record) => ({
      ...record,
      offset: record.offset + 1_000_000,
    }));
    const verdicts = await index.check(
      batchOf(young.map((record) => ({ ...record, receivedAt: start + 6.9 * day }))),
    );
    expect(verdicts.duplicate.includes(0)).toBe(false);
    await index.close();
    const { state } = await openDedupeIndex(optionsIn(directory)).then(async (opened) => {
      await opened.index.close();
      return opened;
    });
    expect(state?.silverVersion).toBe(1);
  });
});

test('one id repeated past every buffer leaves exactly its first', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    const [one] = recordsOf(1, 1, start);
    if (one === undefined) throw new Error('no record');
    const many = Array.from({ length: 50_000 }, (_, i) => ({ ...one, partition: 0, offset: 49_999 - i }));
    const { duplicate, first } = await index.check(batchOf(many));
    expect(duplicate.reduce((sum, each) => sum + each, 0)).toBe(49_999);
    expect(duplicate[49_999]).toBe(0);
    expect(first.offset.every((offset) => offset === 0)).toBe(true);
    await index.close();
  });
});

function ones(count: number): Int32Array {
  return new Int32Array(count).fill(1);
}

function uniformBatch(firstId: number, count: number, receivedAt: number): ReturnType<typeof batchOf> {
  const hashes = new Uint32Array(4 * count);
  for (let row = 0; row < count; row += 1) {
    for (let word = 0; word < 4; word += 1) hashes[4 * row + word] = hashWord(firstId + row, word);
  }
  return {
    count,
    hashes,
    receivedAt: new Float64Array(count).fill(Math.floor(receivedAt)),
    partitions: new Int32Array(count),
    offsets: Float64Array.from({ length: count }, (_, row) => firstId + row),
  };
}

/** Bytes of the process's ArrayBuffers that something still refers to. */
function heldBuffers(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

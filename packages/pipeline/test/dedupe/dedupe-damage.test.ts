import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faultyFileSystem, integerBelow, noFaults, seededRandom } from '@clicklake/durable-files/testing';
import { nodeFileSystem } from '@clicklake/durable-files';
import { expect, test } from 'vitest';
import { openDedupeIndex, type DedupeIndex } from '../../src/dedupe/index.ts';
import {
  batchOf,
  day,
  inTemporaryDirectory,
  optionsIn,
  recordsOf,
  start,
  type LogRecord,
} from './dedupe-support.ts';

const ids = 5000;
const covered = [BigInt(ids), BigInt(ids), BigInt(ids)];

async function saveSome(directory: string): Promise<void> {
  const { index } = await openDedupeIndex(optionsIn(directory));
  for (let bucket = 0; bucket < 3; bucket += 1) {
    await index.load(batchOf(recordsOf((bucket * ids) / 5, ids / 5, start + bucket * day)));
  }
  await index.save({ silverVersion: 3, covered }, { force: true });
  await index.close();
}

const known = recordsOf(0, (3 * ids) / 5, start);
const retries = known.map((record) => ({
  ...record,
  offset: record.offset + 1_000_000,
  receivedAt: start + 3 * day,
}));
const fresh = recordsOf(2_000_000, 1000, start + 3 * day);

/** All retries are duplicates and all new ids are not, or damage was met; never anything else. */
async function judgesRightOrRefuses(index: DedupeIndex): Promise<'right' | 'refused'> {
  try {
    expect((await index.check(batchOf(retries))).duplicate.includes(0)).toBe(false);
    expect((await index.check(batchOf(fresh))).duplicate.includes(1)).toBe(false);
    return 'right';
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'dedupe-state-corrupt') return 'refused';
    throw error;
  }
}

async function changeByte(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  await writeFile(path, bytes);
}

test('a changed byte anywhere in the saved state asks for a rebuild or is met; it never gives a wrong verdict', async () => {
  const random = seededRandom(11);
  const outcomes = new Set<string>();
  for (let round = 0; round < 60; round += 1) {
    await inTemporaryDirectory(async (directory) => {
      await saveSome(directory);
      const names = (await readdir(directory)).toSorted();
      const path = join(directory, names[round % names.length] ?? '');
      await changeByte(path, integerBelow(random, (await readFile(path)).length));
      const { index, state } = await openDedupeIndex(optionsIn(directory));
      if (state === undefined) {
        outcomes.add('rebuild asked for');
        expect(index.stats().entries).toBe(0);
        expect(await readdir(directory)).toEqual([]);
      } else {
        outcomes.add(await judgesRightOrRefuses(index));
      }
      await index.close();
    });
  }
  expect([...outcomes].toSorted()).toEqual(['rebuild asked for', 'refused']);
});

test.each(['MANIFEST', '.keys', '.rows'])('an absent or shortened %s asks for a rebuild', async (ending) => {
  for (const damage of [rm, (path: string) => truncate(path, 100)]) {
    await inTemporaryDirectory(async (directory) => {
      await saveSome(directory);
      const name = (await readdir(directory)).find((each) => each.endsWith(ending));
      await damage(join(directory, name ?? ''));
      const { index, state } = await openDedupeIndex(optionsIn(directory));
      expect(state).toBeUndefined();
      await index.close();
    });
  }
});

test('damage met while judging discards the state: the next start rebuilds, and so does clear', async () => {
  await inTemporaryDirectory(async (directory) => {
    await saveSome(directory);
    const opened = await openDedupeIndex(optionsIn(directory));
    for (const name of await readdir(directory)) {
      if (name.endsWith('.rows')) await changeByte(join(directory, name), 40);
    }
    expect(await judgesRightOrRefuses(opened.index)).toBe('refused');
    await expect(opened.index.check(batchOf(fresh))).rejects.toMatchObject({ code: 'dedupe-state-corrupt' });
    await expect(opened.index.save({ silverVersion: 4, covered })).rejects.toMatchObject({
      code: 'dedupe-state-corrupt',
    });
    expect(await readdir(directory)).not.toContain('MANIFEST');

    await opened.index.clear();
    await opened.index.load(batchOf(known));
    expect(await judgesRightOrRefuses(opened.index)).toBe('right');
    await opened.index.close();
    expect((await openAndClose(directory)).state).toBeUndefined();
  });
});

test('a state kept for a narrower window than the one wanted asks for a rebuild', async () => {
  await inTemporaryDirectory(async (directory) => {
    await saveSome(directory);
    const { index, state } = await openDedupeIndex(optionsIn(directory, { windowMs: 8 * day }));
    expect(state).toBeUndefined();
    await index.close();
  });
});

test('a full disk fails the save and nothing else: verdicts stay right, and a later save is durable', async () => {
  await inTemporaryDirectory(async (directory) => {
    const faults = { ...noFaults(), bytesLeft: 5000 };
    const { index } = await openDedupeIndex(
      optionsIn(directory, { files: faultyFileSystem(nodeFileSystem, faults) }),
    );
    await index.load(batchOf(known));
    await expect(index.save({ silverVersion: 1, covered }, { force: true })).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    expect((await readdir(directory)).filter((name) => !name.startsWith('.'))).toEqual([]);
    expect(await judgesRightOrRefuses(index)).toBe('right');
    faults.bytesLeft = Infinity;
    await index.save({ silverVersion: 1, covered }, { force: true });
    await index.close();
    expect((await openAndClose(directory)).state).toEqual({ silverVersion: 1, covered });
  });
});

test.each<[string, Partial<LogRecord>]>([
  ['an offset of 2^48', { offset: 2 ** 48 }],
  ['a negative offset', { offset: -1 }],
  ['a partition of 65536', { partition: 65_536 }],
  ['half a millisecond', { receivedAt: 0.5 }],
])('%s is refused before anything is remembered', async (_, change) => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    const [one] = recordsOf(1, 1, start);
    if (one === undefined) throw new Error('no record');
    await expect(index.check(batchOf([one, { ...one, ...change }]))).rejects.toMatchObject({
      code: 'dedupe-batch-invalid',
    });
    expect(index.stats().entries).toBe(0);
    await index.close();
  });
});

test('a closed index says so', async () => {
  await inTemporaryDirectory(async (directory) => {
    const { index } = await openDedupeIndex(optionsIn(directory));
    await index.close();
    await index.close();
    await expect(index.check(batchOf(fresh))).rejects.toMatchObject({ code: 'dedupe-index-closed' });
  });
});

async function openAndClose(directory: string): ReturnType<typeof openDedupeIndex> {
  const opened = await openDedupeIndex(optionsIn(directory));
  await opened.index.close();
  return opened;
}

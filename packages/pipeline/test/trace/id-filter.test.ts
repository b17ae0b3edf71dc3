import { createHash } from 'node:crypto';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createFilter,
  filterPage,
  filterPageBytes,
  mayHoldId,
  type IdHash,
} from '../../src/trace/id-filter.ts';
import { collected } from '../harness/records.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';

function hashOf(id: number): IdHash {
  const digest = createHash('md5').update(String(id)).digest();
  return { high: digest.readUInt32LE(0), low: digest.readUInt32LE(4) };
}

function asks(bytes: Uint8Array, name: string, hash: IdHash): boolean {
  const page = filterPage(hash, bytes.byteLength);
  return mayHoldId(bytes.subarray(page * filterPageBytes, (page + 1) * filterPageBytes), page, name, hash);
}

describe('a filter of ids', () => {
  const count = 50_000;
  const builder = createFilter(count, 'file');
  for (let id = 0; id < count; id += 1) builder.add(hashOf(id));
  const bytes = builder.seal();

  it('holds every id that was added, and rules out nearly all others', () => {
    for (let id = 0; id < count; id += 1) if (!asks(bytes, 'file', hashOf(id))) throw new Error(`lost ${id}`);
    let passed = 0;
    for (let id = count; id < 2 * count; id += 1) if (asks(bytes, 'file', hashOf(id))) passed += 1;
    expect(passed).toBeLessThan(count / 100);
  });

  it('rules out nothing when it is damaged, cut off, or of another file', () => {
    const strangers = Array.from({ length: 100 }, (_, index) => hashOf(count + index));
    const damaged = Uint8Array.from(bytes, (byte, at) => (at % filterPageBytes === 17 ? byte ^ 1 : byte));
    for (const hash of strangers) {
      expect(asks(damaged, 'file', hash)).toBe(true);
      expect(asks(bytes, 'other file', hash)).toBe(true);
      expect(mayHoldId(bytes.subarray(0, 100), 0, 'file', hash)).toBe(true);
    }
    const moved = new Uint8Array(bytes.byteLength);
    moved.set(bytes.subarray(filterPageBytes));
    expect(strangers.filter((hash) => asks(moved, 'file', hash))).toHaveLength(strangers.length);
  });
});

describe('filters beside a lake', () => {
  const events = 21_000;
  const day = 86_400_000;
  const now = Date.now();
  let lake: TestLake;
  let owner: LakeOwner;
  beforeEach(async () => {
    lake = await createTestLake();
    // Eight days before the newest record: the dedupe index has nothing to say of them.
    const old = Array.from({ length: events }, (_, index) => collected(`old-${index}`, 'ada', now - 9 * day));
    await lake.append([...old, collected('new', 'ada', now)], 3000);
    owner = await lake.open();
    await owner.catchUp(() => undefined);
  });
  afterEach(async () => {
    await owner.close();
    await lake.remove();
  });

  async function filterFiles(): Promise<readonly string[]> {
    return (await readdir(lake.paths.idFilters).catch(() => [])).map((name) =>
      join(lake.paths.idFilters, name),
    );
  }

  async function expectRightAnswers(): Promise<void> {
    for (const id of ['old-0', `old-${events - 1}`, 'new'])
      expect((await owner.trace(id)).records.map(({ eventId }) => eventId)).toEqual([id]);
    for (const id of ['old--1', 'nobody']) expect((await owner.trace(id)).records).toEqual([]);
  }

  it('are made by the first look, and change no answer, whatever happens to them', async () => {
    await expectRightAnswers();
    await expect.poll(filterFiles).toHaveLength(1);
    await expectRightAnswers();
    const [path = ''] = await filterFiles();
    const bytes = await readFile(path);
    const damages = [bytes.map((byte) => byte ^ 0xff), bytes.subarray(0, 1000), bytes.subarray(0, 0)];
    for (const damaged of damages) {
      await writeFile(path, damaged);
      await expectRightAnswers();
      // It is made anew, since its file had to be read again.
      await expect.poll(() => readFile(path)).toEqual(bytes);
    }
    await appendFile(join(lake.paths.idFilters, 'stray'), 'x');
    await expectRightAnswers();
  });

  it('go with the files that they are of', async () => {
    await owner.trace('nobody');
    await expect.poll(filterFiles).toHaveLength(1);
    const [before] = await filterFiles();
    await owner.optimize('silver', { sortBy: ['event_id'] });
    await expect
      .poll(async () => {
        await owner.trace('nobody');
        return filterFiles();
      })
      .not.toContain(before);
    await expect.poll(filterFiles).toHaveLength(1);
    await expectRightAnswers();
  });
});

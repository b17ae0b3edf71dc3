import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileSystem } from '@clicklake/durable-files';
import { integerBelow, powerCutFileSystem, seededRandom } from '@clicklake/durable-files/testing';
import type { LogWriter, NewRecord } from '@clicklake/event-log';
import type { LakeOwner } from '@clicklake/pipeline';
import { expect } from 'vitest';
import { silverIds } from './expectations.ts';
import { collected, foreign, refused } from './records.ts';
import { testLakeAt } from './test-lake.ts';

const settings = { tickIntervalMs: 1, commitIntervalMs: 15, tickBytes: 6_000, commitBytes: 12_000 };

/**
 * Two lives of a whole home (log, tables, dedupe state), each ended by a power cut at some file operation, and
 * a third that is left alone: every event that was acknowledged is there exactly once, and the deep ledger
 * balances (S5.2).
 *
 * @returns how many events were acknowledged.
 */
export async function livesThroughPowerCuts(seed: number): Promise<number> {
  const home = await mkdtemp(join(tmpdir(), 'clicklake-power-'));
  const random = seededRandom(seed);
  const acknowledged = new Set<string>();
  try {
    for (let life = 0; life < 2; life += 1) {
      const disk = powerCutFileSystem(home, seed * 10 + life);
      const power = powerUntil(disk, 20 + 250 * life + integerBelow(random, 500));
      await live(home, power, `${seed}-${life}`, acknowledged);
      // Whoever ran has let go by now; what the disk shows next is what a power cut leaves of it.
      await power.forgetStaged();
      await disk.cut();
    }
    await expectNothingLost(home, acknowledged);
    return acknowledged.size;
  } finally {
    await rm(home, { recursive: true, force: true });
    await rm(`${home}-scratch`, { recursive: true, force: true });
  }
}

/** Appends and ingests until the power goes; what failed by then is nobody's concern. */
async function live(home: string, power: Power, prefix: string, acknowledged: Set<string>): Promise<void> {
  const lake = testLakeAt(home, power.files);
  let writer: LogWriter | undefined;
  let owner: LakeOwner | undefined;
  try {
    writer = await lake.log({ segmentBytes: 8_000 }).openWriter();
    owner = await lake.open({ settings });
    await owner.start();
    for (let call = 0; !power.isOff() && call < 400; call += 1) {
      const ids = Array.from({ length: 6 }, (_, index) => `${prefix}-${call}-${index}`);
      await writer.append(ids.flatMap((id, index) => recordsOf(id, call + index)));
      for (const id of ids) acknowledged.add(id);
    }
  } catch (error) {
    if (!power.isOff()) throw error;
  } finally {
    await owner?.close().catch(() => undefined);
    await writer?.close().catch(() => undefined);
  }
}

/** The event, now and then its repetition, and what no event is. */
function recordsOf(id: string, nth: number): readonly NewRecord[] {
  const now = Date.now();
  const event = collected(id, `u${nth % 7}`, now);
  if (nth % 5 === 0) return [event, collected(id, `u${(nth + 1) % 7}`, now)];
  if (nth % 7 === 0) return [event, refused(`raw of ${id}`, now)];
  if (nth % 11 === 0) return [event, foreign('no event', now)];
  return [event];
}

async function expectNothingLost(home: string, acknowledged: ReadonlySet<string>): Promise<void> {
  const owner = await testLakeAt(home).open();
  await owner.catchUp(() => undefined);
  expect(await owner.ledger({ deep: true })).toMatchObject({
    balanced: true,
    in_flight: 0,
    unreadable: 0,
    deep: { missing: [], repeated: [] },
  });
  const ids = await silverIds(owner);
  const found = new Set(ids);
  expect(found.size).toBe(ids.length);
  expect([...acknowledged].filter((id) => !found.has(id))).toEqual([]);
  await owner.close();
}

interface Power {
  readonly files: FileSystem;
  isOff(): boolean;
  /** Tells the disk of staged files that are gone with their directory, which is removed without it. */
  forgetStaged(): Promise<void>;
}

/**
 * A file system whose power goes at the nth operation that changes the disk: that one and those under way may
 * have happened, but nobody hears of it, and from then on every call fails.
 */
function powerUntil(disk: FileSystem, operations: number): Power {
  let left = operations;
  const staged: string[] = [];
  const assertPower = (): void => {
    if (left <= 0) throw Object.assign(new Error('EIO: the power is off'), { code: 'EIO' });
  };
  const powered =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>, cost: 0 | 1) =>
    async (...given: Given): Promise<Result> => {
      assertPower();
      left -= cost;
      const result = await call(...given);
      assertPower();
      return result;
    };
  return {
    isOff: () => left <= 0,
    async forgetStaged() {
      for (const path of staged) if ((await disk.stat(path)) === undefined) await disk.remove(path);
    },
    files: {
      open: powered(async (path, mode) => {
        const file = await disk.open(path, mode);
        // Nobody will hear of it, so nobody else can close it.
        if (left <= 0) await file.close();
        return {
          read: powered((position, length) => file.read(position, length), 0),
          write: powered((buffers, position) => file.write(buffers, position), 1),
          truncate: powered((length) => file.truncate(length), 1),
          size: powered(() => file.size(), 0),
          sync: powered(() => file.sync(), 1),
          close: () => file.close(),
        };
      }, 0),
      readFile: powered((path) => disk.readFile(path), 0),
      stat: powered((path) => disk.stat(path), 0),
      list: powered((directory) => disk.list(directory), 0),
      makeDirectory: powered((path) => disk.makeDirectory(path), 1),
      rename: powered((from, to) => disk.rename(from, to), 1),
      link: powered((from, to) => disk.link(from, to), 1),
      remove: powered((path) => disk.remove(path), 1),
      syncDirectory: powered((path) => disk.syncDirectory(path), 1),
      syncFile: powered((path) => {
        staged.push(path);
        return disk.syncFile(path);
      }, 1),
      freeBytes: powered((path) => disk.freeBytes(path), 0),
    },
  };
}

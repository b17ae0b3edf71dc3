import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { createTable, localStore, openTable } from '@clicklake/delta-lake';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expiredLogKeys, withMonotonicTimes } from '../src/log/log-cleanup.ts';
import { checkpointKey, entryKey, type LogListing } from '../src/log/log-files.ts';
import { events, rowsOfDay, useDuckDb, withDirectory } from './fixtures.ts';

const db = useDuckDb();
const hour = 3_600_000;

describe('time travel', () => {
  test('by version and by time, where file times stand still or jump back', async () => {
    await withDirectory(async (directory) => {
      const store = localStore(directory);
      const table = await createTable(store, events, db);
      for (let id = 0; id < 3; id += 1) await table.append(rowsOfDay('2026-01-01', id, id + 1));
      const start = Date.UTC(2026, 0, 1);
      const times = [start, start + hour, start - hour, start + 2 * hour];
      for (const [version, time] of times.entries())
        await utimes(join(directory, entryKey(version)), time / 1000, time / 1000);
      const versionAt = async (timestamp: number): Promise<number> =>
        (await table.snapshotAt({ timestamp })).version;
      expect(await versionAt(start)).toBe(0);
      expect(await versionAt(start + hour)).toBe(1);
      // Version 2 claims to be older than version 1, so it counts as one millisecond after it.
      expect(await versionAt(start + hour + 1)).toBe(2);
      expect(await versionAt(start + 2 * hour)).toBe(3);
      expect(await versionAt(start + 99 * hour)).toBe(3);
      await expect(table.snapshotAt({ timestamp: start - 1 })).rejects.toMatchObject({
        code: 'delta-version-not-found',
      });
      expect(await db.rowsOf(store, await table.snapshotAt({ version: 1 }))).toEqual([
        ['0', 'text 0', '2026-01-01'],
      ]);
    });
  });

  test('a version that never was or is cleaned up names the range that is there', async () => {
    await withDirectory(async (directory) => {
      let now = Date.now();
      const store = localStore(directory);
      const configuration = {
        'delta.logRetentionDuration': 'interval 1 hours',
        'delta.checkpointInterval': '1000',
      };
      const table = await createTable(
        store,
        { ...events, configuration },
        { duckdb: db.duckdb, clock: () => now },
      );
      for (let id = 0; id < 5; id += 1) await table.append(rowsOfDay('2026-01-01', id, id + 1));
      await table.checkpoint();
      await table.append(rowsOfDay('2026-01-01', 5, 6));
      expect(await table.cleanUpLog()).toEqual([]);
      now += 2 * hour;
      expect(await table.cleanUpLog()).toEqual([0, 1, 2, 3, 4].map(entryKey));
      for (const version of [0, 4, 7]) {
        await expect(table.snapshotAt({ version })).rejects.toMatchObject({
          code: 'delta-version-not-found',
          details: { oldest: 5, newest: 6 },
        });
      }
      expect((await table.snapshotAt({ version: 5 })).files.size).toBe(5);
      expect((await (await openTable(store, db)).snapshot()).files.size).toBe(6);
      expect((await table.history()).map((entry) => entry.version)).toEqual([6, 5]);
    });
  });
});

const listing = fc
  .record({
    first: fc.nat(3),
    gaps: fc.array(fc.integer({ min: -2, max: 10 }), { minLength: 1, maxLength: 30 }),
    checkpoints: fc.array(fc.nat(30)),
  })
  .map(({ first, gaps, checkpoints }): LogListing => {
    let time = 0;
    const entries = gaps.map((gap, index) => ({
      key: entryKey(first + index),
      version: first + index,
      size: 1,
      modifiedMs: (time += gap),
    }));
    const versions = [...new Set(checkpoints.map((index) => first + (index % gaps.length)))].sort(
      (left, right) => left - right,
    );
    return {
      entries,
      checkpoints: versions.map((version) => ({ version, keys: [checkpointKey(version)] })),
      unsupportedCheckpoints: [],
      checkpointFiles: versions.map((version) => ({
        key: checkpointKey(version),
        version,
        size: 1,
        modifiedMs: 0,
      })),
    };
  });

test('log clean-up keeps every version inside the retention loadable, and a checkpoint to start from', () => {
  fc.assert(
    fc.property(
      listing,
      fc.integer({ min: 0, max: 50 }),
      fc.integer({ min: 0, max: 300 }),
      (log, retention, now) => {
        const removed = new Set(expiredLogKeys(log, retention, now));
        const kept = log.entries.filter((entry) => !removed.has(entry.key)).map((entry) => entry.version);
        const keptCheckpoints = log.checkpoints.filter(
          (checkpoint) => !removed.has(checkpointKey(checkpoint.version)),
        );
        if (removed.size === 0) return;
        const start = keptCheckpoints[0]?.version;
        expect(kept[0]).toBe(start);
        expect(kept).toEqual(
          log.entries.map((entry) => entry.version).filter((version) => version >= Number(start)),
        );
        const young = withMonotonicTimes(log.entries).filter((entry) => entry.modifiedMs > now - retention);
        expect(young.every((entry) => entry.version >= Number(start))).toBe(true);
      },
    ),
  );
});

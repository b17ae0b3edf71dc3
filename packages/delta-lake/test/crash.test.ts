import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createTable, localStore, openTable } from '@clicklake/delta-lake';
import { describe, expect, test } from 'vitest';
import { expiredLogKeys } from '../src/log/log-cleanup.ts';
import { listLog } from '../src/log/log-files.ts';
import { events, idsOf, rowsOfDay, useDuckDb, withDirectory } from './fixtures.ts';

const db = useDuckDb();

describe('a crash', () => {
  class Crash extends Error {}
  const crashAt = (name: string): { reach(reached: string): void } => ({
    reach(reached) {
      if (reached === name) throw new Crash(name);
    },
  });

  test.each([
    ['delta-parquet-written', [0]],
    ['delta-before-commit', [0]],
    ['delta-after-commit', [0, 1]],
  ])('at %s leaves the rows %j, and the table goes on', async (point, ids) => {
    await withDirectory(async (directory) => {
      await (await createTable(localStore(directory), events, db)).append(rowsOfDay('2026-01-01', 0, 1));
      const crashing = await openTable(localStore(directory), {
        duckdb: db.duckdb,
        crashPoints: crashAt(point),
      });
      await expect(crashing.append(rowsOfDay('2026-01-01', 1, 2))).rejects.toThrow(Crash);
      const table = await openTable(localStore(directory), db);
      expect(await idsOf(db, table)).toEqual(ids);
      await table.append(rowsOfDay('2026-01-01', 9, 10));
      expect(await idsOf(db, table)).toEqual([...ids, 9]);
      expect(await readdir(join(directory, '_staging'))).toEqual([]);
    });
  });

  test('wherever log clean-up breaks off, every row is there and a second run completes it', async () => {
    await withDirectory(async (directory) => {
      const configuration = {
        'delta.checkpointInterval': '2',
        'delta.logRetentionDuration': 'interval 0 days',
      };
      const clock = (): number => Date.now() - 60_000;
      const table = await createTable(
        localStore(directory),
        { ...events, configuration },
        { duckdb: db.duckdb, clock },
      );
      for (let id = 0; id < 5; id += 1) await table.append(rowsOfDay('2026-01-01', id, id + 1));
      await table.close();
      const expired = expiredLogKeys(await listLog(localStore(directory)), 0, Date.now() + 60_000);
      expect(expired.length).toBeGreaterThan(4);
      for (const key of expired) {
        await localStore(directory).remove([key]);
        const opened = await openTable(localStore(directory), db);
        expect(await idsOf(db, opened)).toEqual([0, 1, 2, 3, 4]);
        await opened.close();
      }
      expect(expiredLogKeys(await listLog(localStore(directory)), 0, Date.now() + 60_000)).toEqual([]);
    });
  });

  test.each([
    'delta-checkpoint-written',
    'delta-log-cleanup',
    'delta-vacuum-deleting',
    'delta-optimize-before-commit',
  ])('at %s loses nothing, and a second run completes it', async (point) => {
    await withDirectory(async (directory) => {
      const configuration = {
        'delta.logRetentionDuration': 'interval 0 days',
        'delta.deletedFileRetentionDuration': 'interval 0 days',
      };
      const maintain = async (crashPoints?: ReturnType<typeof crashAt>): Promise<void> => {
        const clock = (): number => Date.now() + 10 * 60_000;
        const table = await openTable(localStore(directory), {
          duckdb: db.duckdb,
          clock,
          ...(crashPoints === undefined ? {} : { crashPoints }),
        });
        await table.optimize();
        await table.checkpoint();
        await table.cleanUpLog();
        await table.vacuum();
        await table.close();
      };
      const table = await createTable(localStore(directory), { ...events, configuration }, db);
      for (let id = 0; id < 4; id += 1) await table.append(rowsOfDay('2026-01-01', id, id + 1));
      await expect(maintain(crashAt(point))).rejects.toThrow(Crash);
      expect(await idsOf(db, await openTable(localStore(directory), db))).toEqual([0, 1, 2, 3]);
      await maintain();
      const after = await openTable(localStore(directory), db);
      expect(await idsOf(db, after)).toEqual([0, 1, 2, 3]);
      expect((await readdir(join(directory, 'day=2026-01-01'))).length).toBe(1);
    });
  });
});

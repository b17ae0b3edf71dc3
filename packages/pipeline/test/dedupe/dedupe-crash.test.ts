import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFileSystem } from '@clicklake/durable-files';
import { integerBelow, powerCutFileSystem, seededRandom } from '@clicklake/durable-files/testing';
import { expect, test } from 'vitest';
import { openDedupeIndex } from '../../src/dedupe/index.ts';
import {
  batchOf,
  inTemporaryDirectory,
  optionsIn,
  recordsOf,
  start,
  type LogRecord,
} from './dedupe-support.ts';

/** Reopens after a crash as ingest does: Silver holds the ids below `committed`, whatever was saved. */
async function expectExactness(directory: string, committed: number): Promise<void> {
  const { index, state } = await openDedupeIndex(optionsIn(directory));
  const from = state === undefined ? 0 : Math.min(Number(state.covered[0] ?? 0n), committed);
  if (state === undefined) await index.clear();
  await index.load(batchOf(recordsOf(from, committed - from, start)));
  await index.begin([BigInt(committed), BigInt(committed), BigInt(committed)]);
  // Judged once before the crash, not committed: again, with another split, beside retries of what is.
  const uncommitted = recordsOf(committed, 500, start);
  expect((await index.check(batchOf(uncommitted))).duplicate.includes(1)).toBe(false);
  expect((await index.check(batchOf(retries(recordsOf(0, committed, start))))).duplicate.includes(0)).toBe(
    false,
  );
  expect((await index.check(batchOf(recordsOf(committed + 500, 500, start)))).duplicate.includes(1)).toBe(
    false,
  );
  await index.settled();
  const runs = (await readdir(directory)).filter((name) => name !== 'MANIFEST');
  expect(runs.length).toBe(2 * index.stats().runs);
  await index.close();
}

function retries(records: readonly LogRecord[]): LogRecord[] {
  return records.map((record) => ({ ...record, offset: record.offset + 1_000_000 }));
}

const points = ['dedupe-before-save', 'dedupe-run-written', 'dedupe-after-save'];
const orders = ['saved-after-silver', 'saved-before-silver'];
/** The eighth save brings the runs of a bucket together. */
const merging = ['dedupe-merge-written', 'dedupe-merge-installed'];
const merges = 8;
const cases = orders.flatMap((order) => [
  ...points.flatMap((point) => [1, 3].map((time) => [order, point, time] as const)),
  ...merging.map((point) => [order, point, 1] as const),
]);

test.each(cases)(
  'S3.3: killed with the state %s at %s (%d. time), no verdict is wrong',
  async (order, point, time) => {
    await inTemporaryDirectory(async (directory) => {
      const child = spawn(
        process.execPath,
        ['--conditions=source', join(import.meta.dirname, 'saving-process.ts'), directory, order],
        {
          env: { ...process.env, CLICKLAKE_CRASH_AT: `${point}:${time}`, NODE_OPTIONS: '' },
          stdio: ['ignore', 'ignore', 'inherit'],
        },
      );
      expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
      const committed = Number(await readFile(join(directory, 'silver-covers'), 'utf8').catch(() => '0'));
      const isMerging = merging.includes(point);
      const notYet = order === 'saved-before-silver' && !isMerging ? 1 : 0;
      expect(committed).toBe(((isMerging ? merges : time) - notYet) * 1000);
      await expectExactness(join(directory, 'dedupe'), committed);
    });
  },
);

test.each(Array.from({ length: 25 }, (_, seed) => seed))(
  'S5.2: a power cut at any moment leaves a state that is exact or asks for a rebuild (seed %d)',
  async (seed) => {
    await inTemporaryDirectory(async (root) => {
      const directory = join(root, 'dedupe');
      const random = seededRandom(seed);
      const files = powerCutFileSystem(root, seed);
      const { index } = await openDedupeIndex(optionsIn(directory, { files }));
      let committed = 0;
      let durable: bigint | undefined;
      const work = async (): Promise<void> => {
        for (;;) {
          await index.check(batchOf(recordsOf(committed, 1000, start)));
          committed += 1000;
          const covered = [BigInt(committed), BigInt(committed), BigInt(committed)];
          durable = (await index.save({ silverVersion: committed, covered }, { force: true })).covered[0];
        }
      };
      const ended = work().catch((error: unknown) => error);
      for (let turns = integerBelow(random, 400); turns > 0; turns -= 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await files.cut();
      expect(await ended).toMatchObject({ code: 'EIO' });
      await index.close().catch(() => undefined);

      const reopened = await openDedupeIndex(optionsIn(directory, { files: nodeFileSystem }));
      if (durable !== undefined) expect(reopened.state?.covered[0]).toBeGreaterThanOrEqual(durable);
      await reopened.index.close();
      await expectExactness(directory, committed);
    });
  },
);

import { setImmediate } from 'node:timers/promises';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { openQueryEngine, type Pin, type QueryEngine, type TailCover, type TailTable } from '../src/index.ts';
import { columns, openTestLake, relationOver, type TestLake } from './support/lake.ts';

let lake: TestLake;
let engine: QueryEngine;

beforeEach(async () => {
  lake = await openTestLake();
  engine = await openQueryEngine({ readableDirectories: [lake.filesDirectory] });
});

afterEach(async () => {
  await engine.close();
  await lake.close();
});

const batch = 37;
const batchesPerCommit = 4;
const commits = 12;

/**
 * A stand-in for ingest (S6.1): appends batches to a tail, commits a generation into a file while the
 * next one already grows, publishes the new version, and only then drops the generation.
 */
function openIngest() {
  let files: readonly string[] = [];
  let tails: readonly TailTable[] = [];
  let covered: readonly TailCover[] = [];
  let version = 0;
  let rows = 0;
  let epoch = 0;

  const cover = (to: number): readonly TailCover[] =>
    [0, 1, 2].map((partition) => ({
      key: { log_partition: partition },
      offsetColumn: 'log_offset',
      // Event i stands in partition i % 3 at offset i // 3.
      nextOffset: BigInt(Math.ceil((to - partition) / 3)),
    }));

  return {
    pin: (): Promise<Pin> =>
      Promise.resolve({
        tables: [
          {
            name: 'silver',
            relationSql: relationOver(files),
            tail: { slices: tails.map((tail) => tail.slice()), covered },
          },
        ],
        label: { silverVersion: version, tailEpoch: epoch },
        release: () => undefined,
      }),
    async run(): Promise<number> {
      const drops: Promise<void>[] = [];
      let committed = 0;
      for (let generation = 0; generation < commits; generation += 1) {
        const tail = await engine.createTail(generation, columns);
        tails = [...tails, tail];
        for (let count = 0; count < batchesPerCommit; count += 1) {
          await tail.append(await lake.chunks(rows, rows + batch));
          rows += batch;
          epoch += 1;
        }
        // The file holds half of the next generation as well, which its tail must then leave out.
        const next = await engine.createTail(`${generation}_half`, columns);
        await next.append(await lake.chunks(rows, rows + batch));
        tails = [...tails, next];
        rows += batch;
        const to = rows - 10;
        const file = await lake.writeFile(committed, to);
        // One moment publishes all of it: version, files and what they cover.
        files = [...files, file];
        covered = cover(to);
        version += 1;
        committed = to;
        const done = tails.filter((other) => other !== next);
        tails = [next];
        drops.push(...done.map((other) => other.drop()));
      }
      await Promise.all(drops);
      return rows;
    },
  };
}

it('counts never differ and never go down while tails grow, commit and are dropped (S6.1)', async () => {
  const ingest = openIngest();
  let total: number | undefined;
  let finished = false;
  const ingesting = ingest
    .run()
    .then((rows) => (total = rows))
    .finally(() => (finished = true));

  const query = async (): Promise<number> => {
    let last = 0;
    let versions = new Set<unknown>();
    for (let finishing = false; ;) {
      const { rows, pinned } = await engine.run(
        'SELECT count(*), count(DISTINCT event_id) FROM silver',
        ingest.pin,
      );
      const [count, distinct] = rows[0] ?? [];
      expect(distinct).toBe(count);
      expect(Number(count)).toBeGreaterThanOrEqual(last);
      last = Number(count);
      versions = versions.add(pinned.silverVersion);
      if (finishing) break;
      finishing = finished;
      // An answer given again needs no I/O, and ingest needs its turn.
      await setImmediate();
    }
    expect(versions.size).toBeGreaterThan(2);
    return last;
  };
  const seen = await Promise.all([query(), query(), query()]);
  await ingesting;
  expect(total).toBe(commits * (batchesPerCommit + 1) * batch);
  expect(seen).toEqual([total, total, total]);
});

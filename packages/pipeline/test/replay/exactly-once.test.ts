import type { NewRecord } from '@clicklake/event-log';
import type { LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from '../harness/child.ts';
import { silverIds } from '../harness/expectations.ts';
import { collected } from '../harness/records.ts';
import { replayed } from '../harness/replays.ts';
import { createTestLake, type OpenTestLake, type TestLake } from '../harness/test-lake.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 4, 10, 12);
const origin = 'clickstream-errors:0:0';
/** Users whose events go to different partitions: 2 and 1. */
const [here, there] = ['user-1', 'user-4'];

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

async function withOwner<T>(work: (owner: LakeOwner) => Promise<T>, options: OpenTestLake = {}): Promise<T> {
  const owner = await lake.open(options);
  try {
    return await work(owner);
  } finally {
    await owner.close();
  }
}

/** Appends them together, and ingests and commits them in a process life of their own. */
async function ingest(...records: readonly NewRecord[]): Promise<void> {
  await lake.append(records, records.length);
  await withOwner((owner) => owner.catchUp(() => undefined));
}

async function expectKept(ids: readonly string[], duplicates: number): Promise<void> {
  await withOwner(async (owner) => {
    expect(await owner.ledger({ deep: true })).toMatchObject({
      silver: ids.length,
      duplicates,
      in_flight: 0,
      balanced: true,
      deep: { missing: [], repeated: [] },
    });
    expect((await silverIds(owner)).toSorted()).toEqual([...ids].toSorted());
  });
}

/** `id@partition:offset of the first`, of every duplicate. */
async function duplicates(): Promise<readonly string[]> {
  const opened = await lake.tables();
  const { duplicates: table } = opened.tables;
  const files = [...(await table.snapshot()).files.values()].map(
    ({ path }) => `'${table.store.location(path)}'`,
  );
  const found = await opened.connection.runAndReadAll(
    `SELECT event_id || '@' || first_partition || ':' || first_offset FROM read_parquet([${files.join(', ')}]) ORDER BY 1`,
  );
  await opened.close();
  return found.getRows().map(([text]) => String(text));
}

describe('ingest takes each replay_of once (S8)', () => {
  it('in one batch the first stays, whatever its id and partition', async () => {
    await ingest(
      replayed(origin, 'a', now, here),
      replayed(origin, 'b', now, there),
      replayed(origin, 'c', now, here),
    );
    await expectKept(['b'], 2);
  });

  it('in batches far beyond the window of ids, and after a restart', async () => {
    await ingest(replayed(origin, 'a', now));
    await ingest(replayed(origin, 'a', now + 30 * day), collected('other', here, now + 30 * day));
    await ingest(replayed(origin, 'b', now + 90 * day));
    await expectKept(['a', 'other'], 2);
    const [first] = await duplicates();
    expect(await duplicates()).toEqual([first, first?.replace('a@', 'b@')]);
  });

  it('while the first is not committed yet', async () => {
    const owner = await lake.open({ settings: { commitIntervalMs: 3_600_000, tickIntervalMs: 1 } });
    await owner.start();
    await lake.append([replayed(origin, 'a', now)]);
    await expect.poll(() => owner.state().tailRows).toBe(1);
    await lake.append([replayed(origin, 'b', now + 1), replayed('clickstream-errors:0:1', 'c', now + 1)]);
    await expect.poll(() => owner.state().tailRows).toBe(2);
    await owner.close();
    await expectKept(['a', 'c'], 1);
  });

  it('replays of different dead letters are different events, also among a thousand others', async () => {
    const replays = Array.from({ length: 300 }, (_, index) =>
      replayed(`clickstream-errors:0:${index}`, `r${index}`, now),
    );
    const others = Array.from({ length: 1_000 }, (_, index) => collected(`o${index}`, here, now));
    await ingest(...replays.slice(0, 150), ...others, ...replays.slice(150), ...replays);
    await ingest(...replays);
    await expectKept(
      [...replays.map((_, index) => `r${index}`), ...others.map((_, index) => `o${index}`)],
      600,
    );
  });

  it('a replay may be a duplicate by its id; the next of the same dead letter then counts', async () => {
    await ingest(collected('taken', here, now));
    await ingest(
      replayed(origin, 'taken', now + 1, here),
      replayed(origin, 'taken', now + 1, here),
      replayed(origin, 'free', now + 1, here),
      replayed(origin, 'late', now + 1, here),
    );
    await expectKept(['taken', 'free'], 3);
    await ingest(replayed(origin, 'more', now + 2));
    await expectKept(['taken', 'free'], 4);
  });

  it('what is left out for its origin does not keep another event with its id out', async () => {
    await ingest(replayed(origin, 'a', now));
    await ingest(replayed(origin, 'b', now + 1), collected('b', here, now + 2));
    await expectKept(['a', 'b'], 1);
  });

  it('a foreign producer’s record that names an origin counts alike, and stays a dead letter when it is none', async () => {
    const foreign = (event: object): NewRecord => ({
      topic: 'clickstream-events',
      key: 'k',
      value: JSON.stringify({ event_type: 'page_view', user_id: 'u', replay_of: origin, ...event }),
      timestamp: now,
      judgedBy: null,
    });
    await ingest(
      foreign({ event_id: 'x', event_type: 'none' }),
      foreign({ event_id: 'y' }),
      foreign({ event_id: 'z' }),
    );
    await expectKept(['y'], 1);
    const [letter] = await withOwner((owner) => owner.deadLetters({ limit: 9 }));
    expect(letter).toMatchObject({ replay_of: origin, event_id: 'x' });
  });

  it('after a restore of Silver, and another reading of the log, the same stays (S4.3)', async () => {
    await ingest(collected('first', here, now));
    await ingest(replayed(origin, 'a', now + 1), replayed(origin, 'b', now + 1));
    await ingest(replayed(origin, 'c', now + 2), collected('last', here, now + 2));
    const before = await duplicates();
    await withOwner(async (owner) => {
      const commits = ((await owner.history('silver', 100)) ?? []).filter(
        ({ operation }) => operation === 'STREAMING UPDATE',
      );
      await owner.restore('silver', { version: commits.at(-1)?.version ?? -1 });
      expect(await owner.ledger({ deep: true })).toMatchObject({ balanced: true, silver: 1 });
      await owner.catchUp(() => undefined);
    });
    await expectKept(['first', 'a', 'last'], 2);
    expect(await duplicates()).toEqual(before);
    await ingest(replayed(origin, 'd', now + 3));
    await expectKept(['first', 'a', 'last'], 3);
  });

  it('after rows were given up, the dead letter can be replayed again', async () => {
    await ingest(collected('first', here, now));
    await ingest(replayed(origin, 'a', now + 1));
    await withOwner(async (owner) => {
      const commits = ((await owner.history('silver', 100)) ?? []).filter(
        ({ operation }) => operation === 'STREAMING UPDATE',
      );
      await owner.restore('silver', { version: commits.at(-1)?.version ?? -1, discard: true });
    });
    await ingest(replayed(origin, 'b', now + 2), replayed(origin, 'c', now + 2));
    await withOwner(async (owner) => {
      expect((await silverIds(owner)).toSorted()).toEqual(['b', 'first']);
      expect(await owner.ledger({ deep: true })).toMatchObject({ balanced: true, removed: 1, duplicates: 1 });
    });
  });
});

describe('kill -9 while replays are ingested, and a restart (S8, S4.1)', () => {
  it.each([
    'ingest-staged:1',
    'ingest-staged:2',
    'ingest-between-dead-letters-and-duplicates:1',
    'ingest-between-dead-letters-and-duplicates:2',
    'ingest-between-duplicates-and-silver:1',
    'ingest-between-duplicates-and-silver:2',
    'ingest-after-silver:1',
    'ingest-after-silver:2',
    'dedupe-before-save:1',
    'dedupe-after-save:1',
  ])('%s: each origin is in Silver once', async (crashAt) => {
    const at = (index: number): number => now + index;
    const records = Array.from({ length: 120 }, (_, index) => [
      replayed(
        `clickstream-errors:0:${index % 40}`,
        `r${index % 40}-${index}`,
        at(index),
        index % 2 === 0 ? here : there,
      ),
      collected(`o${index}`, here, at(index)),
    ]).flat();
    await lake.append(records, 10);
    await withOwner(() => Promise.resolve());
    const settings = { tickBytes: 12_000, commitBytes: 20_000 };
    const killed = await runChild({ home: lake.paths.home, crashAt, steps: ['catch-up'], settings });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    await withOwner(async (owner) => {
      await owner.catchUp(() => undefined);
      expect(await owner.ledger({ deep: true })).toMatchObject({
        appended: 240,
        silver: 160,
        duplicates: 80,
        in_flight: 0,
        balanced: true,
        deep: { missing: [], repeated: [] },
      });
      const found = (await silverIds(owner)).map((id) => id.split('-')[0]);
      expect(new Set(found).size).toBe(160);
    });
  });
});

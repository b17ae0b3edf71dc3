import { rm } from 'node:fs/promises';
import type { CrashPoints } from '@clicklake/durable-files';
import type { Ledger, LakeOwner } from '@clicklake/pipeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { corruptSegment } from './harness/damage.ts';
import { expectExactlyOnce } from './harness/expectations.ts';
import { makeWorkload, refused } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

const small = { tickBytes: 12_000, commitBytes: 20_000 };
const start = Date.now() - 60_000;

function expectBalanced(ledger: Ledger): void {
  expect(ledger).toMatchObject({ balanced: true, difference: 0 });
}

/** Fails whatever reaches the point, as long as it is told to. */
function failingAt(name: string): CrashPoints & { off: boolean } {
  const points = {
    off: false,
    reach(found: string) {
      if (found === name && !points.off) throw new Error(`failed at ${name}`);
    },
  };
  return points;
}

describe('the equation of S4.2', () => {
  it('holds at every moment while records are appended, taken up and committed', async () => {
    const workload = makeWorkload('every', 900, start);
    const owner = await lake.open({ settings: { ...small, tickIntervalMs: 5, commitIntervalMs: 40 } });
    const writer = await lake.log().openWriter();
    await owner.start();
    let appending = true;
    const seen = new Set<number>();
    const watch = async (): Promise<void> => {
      while (appending || seen.size < 3) {
        const ledger = await owner.ledger({ deep: seen.size % 4 === 3 });
        expectBalanced(ledger);
        seen.add(ledger.silver);
      }
    };
    const watching = Promise.all([watch(), watch()]);
    for (let from = 0; from < workload.records.length; from += 10) {
      await writer.append(workload.records.slice(from, from + 10));
    }
    appending = false;
    await watching;
    await writer.close();
    await owner.close();
    const again = await lake.open();
    await again.catchUp(() => undefined);
    await expectExactlyOnce(again, workload);
    await again.close();
  });

  it.each([
    'ingest-staged',
    'ingest-between-dead-letters-and-duplicates',
    'ingest-between-duplicates-and-silver',
    'ingest-after-silver',
  ])('holds when a commit fails at %s, and after it is tried again', async (point) => {
    const workload = makeWorkload('between', 200, start);
    await lake.append(workload.records);
    const crashPoints = failingAt(point);
    const owner = await lake.open({ crashPoints, settings: small });
    await expect(owner.catchUp(() => undefined)).rejects.toThrow(point);
    const between = await owner.ledger({ deep: true });
    expectBalanced(between);
    expect(between.in_flight).toBeGreaterThan(0);
    crashPoints.off = true;
    await owner.catchUp(() => undefined);
    await expectExactlyOnce(owner, workload);
    await owner.close();
  });
});

async function filled(prefix: string): Promise<LakeOwner> {
  await lake.append(makeWorkload(prefix, 150, start).records);
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  return owner;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Deletes one row of a table as somebody with another tool would. */
async function deleteRow(name: 'silver' | 'duplicates' | 'dead_letters'): Promise<Place> {
  const opened = await lake.tables();
  const { tables, connection } = opened;
  const table = tables[name];
  const place =
    name === 'dead_letters' ? '"partition", "offset", topic' : 'log_partition, log_offset, log_topic';
  const [file] = (await table.snapshot()).files.values();
  if (file === undefined) throw new Error('no file');
  const rows = `SELECT * FROM read_parquet('${table.store.location(file.path)}', hive_partitioning = false)`;
  const victim = (
    await connection.runAndReadAll(`SELECT ${place} FROM (${rows}) LIMIT 1 OFFSET 3`)
  ).getRows()[0];
  const [partition, offset, topic] = victim ?? [];
  const [partitionColumn, offsetColumn] = place.split(', ');
  const topicColumn = name === 'dead_letters' ? 'topic' : 'log_topic';
  const kept = await table.stage(
    `${rows} WHERE NOT (${topicColumn} = '${String(topic)}' AND ${partitionColumn} = ${Number(partition)} AND ${offsetColumn} = ${String(offset)})`,
    { connection, partition: file.partitionValues },
  );
  await table.commit({
    operation: 'DELETE',
    adds: kept,
    removes: [file],
    reads: { kind: 'removed-files' },
  });
  await opened.close();
  return { topic: String(topic), partition: Number(partition), offset: Number(offset) };
}

/** Puts rows of Silver's first version there once more. */
async function repeatRows(count: number): Promise<void> {
  const opened = await lake.tables();
  const { silver } = opened.tables;
  const [file] = (await silver.snapshotAt({ version: 1 })).files.values();
  if (file === undefined) throw new Error('no file');
  await silver.append(
    `SELECT *, DATE '${String(file.partitionValues.event_date)}' AS event_date
     FROM read_parquet('${silver.store.location(file.path)}', hive_partitioning = false)
     ORDER BY log_partition, log_offset DESC LIMIT ${count}`,
  );
  await opened.close();
}

describe('a row deleted behind its back', () => {
  it.each(['silver', 'duplicates', 'dead_letters'] as const)(
    'shows in %s, and deep names the offset',
    async (name) => {
      const owner = await filled('deleted');
      await owner.close();
      const { topic, partition, offset } = await deleteRow(name);
      const again = await lake.open();
      const ledger = await again.ledger({ deep: true });
      expect(ledger).toMatchObject({ balanced: false, difference: 1 });
      expect(ledger.deep).toMatchObject({
        missingOffsets: 1,
        missing: [{ topic, partition, from: offset, to: offset + 1 }],
        repeated: [],
      });
      await again.close();
    },
  );

  it.each(['silver', 'duplicates', 'dead_letters'] as const)(
    'shows in %s also where rows were removed in the open, and deep tells it from them',
    async (name) => {
      await (await filled('first')).close();
      const owner = await filled('second');
      const history = (await owner.history('silver', 100)) ?? [];
      const [, version = -1] = history
        .filter(({ operation }) => operation === 'STREAMING UPDATE')
        .map((entry) => entry.version);
      await owner.restore('silver', { version, discard: true });
      const { removed, balanced } = await owner.ledger({ deep: true });
      expect({ removed: removed > 3, balanced }).toEqual({ removed: true, balanced: true });
      await owner.close();
      const { topic, partition, offset } = await deleteRow(name);
      // One row too many besides, so that the sums agree.
      await repeatRows(1);
      const again = await lake.open();
      const ledger = await again.ledger({ deep: true });
      expect(ledger).toMatchObject({ balanced: false, difference: 0, removed });
      expect(ledger.deep).toMatchObject({
        missingOffsets: 1,
        missing: [{ topic, partition, from: offset, to: offset + 1 }],
        repeated: [{}],
        removedOffsets: removed,
        unbookedRemovals: 0,
      });
      await again.close();
    },
  );

  it('that was booked as removed is there twice when somebody brings it back', async () => {
    const owner = await filled('revived');
    await owner.restore('silver', { version: 0, discard: true });
    expect(await owner.ledger({ deep: true })).toMatchObject({ silver: 0, balanced: true });
    await owner.close();
    await repeatRows(2);
    const again = await lake.open();
    const ledger = await again.ledger({ deep: true });
    expect(ledger).toMatchObject({ balanced: false, difference: -2 });
    expect(ledger.deep?.repeated.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(2);
    await again.close();
  });

  it('cannot be told from one that an earlier version removed without booking which: deep says so, and is not balanced', async () => {
    const owner = await filled('unbooked');
    await owner.restore('silver', { version: 0, discard: true });
    const { removed } = await owner.ledger({ deep: false });
    await owner.close();
    await rm(lake.paths.removals, { recursive: true });
    const again = await lake.open();
    expect(await again.ledger({ deep: false })).toMatchObject({ balanced: true });
    expect(await again.ledger({ deep: true })).toMatchObject({
      balanced: false,
      difference: 0,
      deep: { missingOffsets: removed, unbookedRemovals: removed, removedOffsets: 0 },
    });
    await again.close();
  });

  it('shows when a whole file is gone, and every offset counts though not every range is listed', async () => {
    const owner = await filled('file');
    await owner.close();
    const opened = await lake.tables();
    const { tables } = opened;
    const { files } = await tables.silver.snapshot();
    await tables.silver.commit({ operation: 'DELETE', removes: [...files.values()] });
    await opened.close();
    const again = await lake.open();
    const ledger = await again.ledger({ deep: true });
    expect(ledger.silver).toBe(0);
    expect(ledger.balanced).toBe(false);
    expect(ledger.deep?.missingOffsets).toBe(ledger.difference);
    expect(ledger.deep?.missing.length).toBeLessThanOrEqual(100);
    await again.close();
  });

  it('shows when a row is there twice', async () => {
    const owner = await filled('twice');
    await owner.close();
    await repeatRows(2);
    const again = await lake.open();
    const ledger = await again.ledger({ deep: true });
    expect(ledger).toMatchObject({ balanced: false, difference: -2 });
    expect(ledger.deep?.repeated).toHaveLength(2);
    await again.close();
  });
});

describe('offsets lost to corruption (S5.1)', () => {
  it.each(['clickstream-events', 'clickstream-errors'] as const)(
    '%s: are unreadable before and after they are given up and passed',
    async (topic) => {
      const workload = makeWorkload('lost', 200, start);
      await lake.append(
        [
          ...workload.records,
          ...Array.from({ length: 30 }, (_, index) => refused(`raw ${index}`, start + 9999)),
        ],
        5,
      );
      await corruptSegment(lake, topic, 0);
      const owner = await lake.open();
      await expect(owner.catchUp(() => undefined)).rejects.toMatchObject({ code: 'ingest-corrupt-range' });
      const before = await owner.ledger({ deep: true });
      expectBalanced(before);
      expect(before.unreadable).toBeGreaterThan(0);

      const writer = await lake.log().openWriter();
      const given = await writer.skipCorrupt(topic, 0);
      await writer.close();
      const lost = Number(given.reduce((sum, { from, to }) => sum + (to - from), 0n));
      expect(before.unreadable).toBe(lost);
      expect(await owner.ledger({ deep: true })).toMatchObject({ unreadable: lost, balanced: true });

      await owner.catchUp(() => undefined);
      const after = await owner.ledger({ deep: true });
      expect(after).toMatchObject({ unreadable: lost, in_flight: 0, balanced: true });
      expect(after.deep).toMatchObject({ missing: [], repeated: [] });
      await owner.close();
    },
  );
});

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

describe('a row deleted behind its back', () => {
  it.each(['silver', 'duplicates', 'dead_letters'] as const)(
    'shows in %s, and deep names the offset',
    async (name) => {
      const owner = await filled('deleted');
      await owner.close();
      const opened = await lake.tables();
      const { tables, connection } = opened;
      const table = tables[name];
      const place =
        name === 'dead_letters' ? '"partition", "offset", topic' : 'log_partition, log_offset, log_topic';
      const snapshot = await table.snapshot();
      const [file] = snapshot.files.values();
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

      const again = await lake.open();
      const ledger = await again.ledger({ deep: true });
      expect(ledger).toMatchObject({ balanced: false, difference: 1 });
      expect(ledger.deep).toMatchObject({
        missingOffsets: 1,
        missing: [{ topic, partition, from: Number(offset), to: Number(offset) + 1 }],
        repeated: [],
      });
      await again.close();
    },
  );

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
    const opened = await lake.tables();
    const { tables } = opened;
    const { files } = await tables.silver.snapshot();
    const [file] = files.values();
    if (file === undefined) throw new Error('no file');
    await tables.silver.append(
      `SELECT *, DATE '${String(file.partitionValues.event_date)}' AS event_date
       FROM read_parquet('${tables.silver.store.location(file.path)}', hive_partitioning = false) LIMIT 2`,
    );
    await opened.close();
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

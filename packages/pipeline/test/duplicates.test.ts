import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LakeOwner } from '@clicklake/pipeline';
import type { NewRecord } from '@clicklake/event-log';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silverIds } from './harness/expectations.ts';
import { collected } from './harness/records.ts';
import { createTestLake, type OpenTestLake, type TestLake } from './harness/test-lake.ts';

const day = 86_400_000;
const now = Date.UTC(2026, 4, 10, 12);
let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

async function ingest(records: readonly NewRecord[], options: OpenTestLake = {}): Promise<void> {
  await lake.append(records, records.length);
  const owner = await lake.open(options);
  await owner.catchUp(() => undefined);
  await owner.close();
}

async function withOwner<T>(work: (owner: LakeOwner) => Promise<T>): Promise<T> {
  const owner = await lake.open();
  try {
    return await work(owner);
  } finally {
    await owner.close();
  }
}

/** Silver's ids, and how many duplicates there are; the ledger holds to the last offset. */
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

interface DuplicateRow {
  readonly id: string;
  readonly at: string;
  readonly first: string;
}

async function duplicateRows(): Promise<readonly DuplicateRow[]> {
  const opened = await lake.tables();
  const { duplicates } = opened.tables;
  const files = [...(await duplicates.snapshot()).files.values()].map(
    ({ path }) => `'${duplicates.store.location(path)}'`,
  );
  const found = await opened.connection.runAndReadAll(
    `SELECT event_id, log_partition || ':' || log_offset, first_partition || ':' || first_offset
     FROM read_parquet([${files.join(', ')}]) ORDER BY ALL`,
  );
  await opened.close();
  return found.getRows().map(([id, at, first]) => ({ id: String(id), at: String(at), first: String(first) }));
}

/** Two users whose events go to different partitions. */
const [here, there] = ['user-1', 'user-2'];

describe('what counts as a duplicate (S3.1)', () => {
  it('the window includes its edge, and ends there', async () => {
    await ingest([collected('edge', here, now - 7 * day), collected('past', here, now - 7 * day - 1)]);
    await ingest([collected('edge', here, now), collected('past', here, now)]);
    await expectKept(['edge', 'past', 'past'], 1);
  });

  it('the window reaches back in received_at where partitions are apart', async () => {
    await ingest([collected('a', here, now)]);
    // Another partition lags: its record was received first.
    await ingest([collected('a', there, now - 3 * day)]);
    await expectKept(['a'], 1);
  });

  it('among one batch the first by (received_at, partition, offset) stays, in any partition', async () => {
    await ingest([
      collected('x', here, now + 5),
      collected('x', there, now + 3),
      collected('x', there, now + 4),
      collected('y', here, now + 6),
      collected('y', here, now + 6),
    ]);
    await expectKept(['x', 'y'], 3);
    const rows = await duplicateRows();
    expect(rows.filter(({ id }) => id === 'x').map(({ first }) => first)).toHaveLength(2);
    expect(new Set(rows.filter(({ id }) => id === 'x').map(({ first }) => first)).size).toBe(1);
    expect(rows.every(({ at, first }) => at !== first)).toBe(true);
  });

  it('an id is an exact string', async () => {
    const ids = [
      'id',
      'ID',
      'id ',
      'i\u0000d',
      'i\u0000e',
      'ｉｄ',
      'id\n',
      "id'",
      'id"',
      '\u00e9',
      'e\u0301',
    ];
    await ingest(ids.map((id) => collected(id, here, now)));
    await ingest(ids.map((id) => collected(id, there, now + 1)));
    await expectKept(ids, ids.length);
  });

  it('a backlog older than the window by the clock is still deduplicated', async () => {
    const old = now - 60 * day;
    const batch = Array.from({ length: 40 }, (_, index) => collected(`old-${index}`, `u${index % 9}`, old));
    const options = { clock: () => now, settings: { dedupeMemoryBytes: 8 * 1024 * 1024 } };
    await ingest(batch, options);
    await ingest(batch, options);
    await expectKept(
      batch.map((_, index) => `old-${index}`),
      40,
    );
  });

  it('dead letters never enter the window', async () => {
    const bad = { event_id: 'again', event_type: 'nonsense', user_id: here };
    await ingest([
      { topic: 'clickstream-events', key: here, value: JSON.stringify(bad), timestamp: now, judgedBy: null },
    ]);
    await ingest([collected('again', here, now + 1)]);
    await expectKept(['again'], 0);
  });
});

describe('the dedupe state may be lost (S3.3)', () => {
  const first = Array.from({ length: 60 }, (_, index) =>
    collected(`e-${index}`, `u${index % 9}`, now + index),
  );
  const ids = first.map((_, index) => `e-${index}`);
  const repeats = ids.map((id, index) => collected(id, `v${index % 5}`, now + 1000 + index));

  async function indexFiles(): Promise<string[]> {
    const directory = join(lake.paths.dedupe, 'index');
    return (await readdir(directory)).map((name) => join(directory, name));
  }

  it.each<readonly [string, () => Promise<void>]>([
    ['a restart', () => Promise.resolve()],
    ['its deletion', () => rm(lake.paths.dedupe, { recursive: true })],
    ['the deletion of its salt', () => rm(join(lake.paths.dedupe, 'salt'))],
    ['a damaged salt', () => writeFile(join(lake.paths.dedupe, 'salt'), 'pepper')],
    [
      'damage to every file of it',
      async () => {
        for (const path of await indexFiles()) {
          const bytes = await readFile(path);
          bytes.fill(0x21, 0, Math.ceil(bytes.length / 2));
          await writeFile(path, bytes);
        }
      },
    ],
    [
      'the loss of one of its files',
      async () => {
        const [file] = (await indexFiles()).toSorted();
        await rm(file ?? '');
      },
    ],
  ])('%s changes no verdict', async (_, damage) => {
    await ingest(first);
    await damage();
    await ingest(repeats);
    await expectKept(ids, repeats.length);
    expect((await duplicateRows()).every(({ at, first: kept }) => at !== kept)).toBe(true);
  });

  it('damage found while ingest runs is made good at once, uncommitted rows included', async () => {
    await ingest(first);
    const owner = await lake.open({ settings: { tickIntervalMs: 5, commitIntervalMs: 3_600_000 } });
    await owner.start();
    await lake.append([collected('tail', 'u', now + 2000)]);
    await expect.poll(() => owner.state().tailRows, { timeout: 50_000 }).toBe(1);
    for (const path of (await indexFiles()).filter((name) => !name.endsWith('json'))) {
      const bytes = await readFile(path);
      await writeFile(path, Buffer.alloc(bytes.length, 0x21));
    }
    await lake.append([...repeats, collected('tail', 'w', now + 3000)]);
    await expect.poll(() => owner.state().processed, { timeout: 50_000 }).toBe(1 + repeats.length + 1);
    await owner.close();
    await expectKept([...ids, 'tail'], repeats.length + 1);
  });

  it('a salt that was lost leaves no hashes of the old one behind, whenever the process dies', async () => {
    await ingest(first);
    await rm(join(lake.paths.dedupe, 'salt'));
    // Opening makes a new salt; nothing else happens before the process is gone.
    const { openLakeDedupe } = await import('../src/lake/lake-dedupe.ts');
    const { nodeFileSystem, noCrashPoints } = await import('@clicklake/durable-files');
    const { defaultIngestSettings } = await import('@clicklake/pipeline');
    const { index } = await openLakeDedupe(lake.paths, nodeFileSystem, noCrashPoints, defaultIngestSettings);
    await index.close();
    await ingest(repeats);
    await expectKept(ids, repeats.length);
  });
});

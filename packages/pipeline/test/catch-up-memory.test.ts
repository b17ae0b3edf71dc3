import { setTimeout as delay } from 'node:timers/promises';
import { nodeFileSystem, type FileSystem } from '@clicklake/durable-files';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collected } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

/** A disk that a catch-up outruns. */
const slowFiles: FileSystem = {
  ...nodeFileSystem,
  async open(path, mode) {
    const file = await nodeFileSystem.open(path, mode);
    return { ...file, sync: async () => (await delay(50), await file.sync()) };
  },
};

it('a catch-up holds no more than one and a half commits in memory, however slow they are', async () => {
  const events = 6_000;
  const records = Array.from({ length: events }, (_, index) =>
    collected(`event-${index}`, `user-${index % 50}`, Date.UTC(2026, 4, 10) + index),
  );
  await lake.append(records, 50);
  const recordBytes = Math.min(...records.map(({ value }) => value.length));
  const [commitBytes, tickBytes] = [256 * 1024, 16 * 1024];
  const owner = await lake.open({ files: slowFiles, settings: { commitBytes, tickBytes } });
  let most = 0;
  await owner.catchUp(() => {
    most = Math.max(most, owner.state().tailRows * recordBytes);
  });
  const ledger = await owner.ledger({ deep: false });
  await owner.close();
  // Each of the three may be a tick larger.
  expect(most).toBeLessThanOrEqual(1.5 * commitBytes + 3 * tickBytes);
  // Commits were indeed slower than what came.
  expect(most).toBeGreaterThan(commitBytes);
  expect(ledger).toMatchObject({ silver: events, in_flight: 0, balanced: true });
});

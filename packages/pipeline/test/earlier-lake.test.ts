import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { collected } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

const property = 'delta.dataSkippingStatsColumns';

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

async function ingest(id: string): Promise<void> {
  await lake.append([collected(id, 'ada', Date.UTC(2026, 4, 10))]);
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  await owner.close();
}

/** As a lake of the version before `replay_of` had statistics, with a column that somebody added. */
async function makeOlder(): Promise<number> {
  const opened = await lake.tables();
  const { version } = await opened.tables.silver.setProperties({
    [property]: 'timestamp,received_at,event_type,user_id, country,log_partition,log_offset',
  });
  await opened.close();
  return version;
}

it('Silver of an earlier version gets the statistics that replays are looked up by (S8), once', async () => {
  await ingest('a');
  const older = await makeOlder();
  await ingest('b');
  await ingest('c');

  const opened = await lake.tables();
  const { version, metadata, files } = await opened.tables.silver.snapshot();
  await opened.close();
  expect(metadata.configuration[property]).toBe(
    'timestamp,received_at,event_type,user_id,country,log_partition,log_offset,replay_of',
  );
  // The properties, and two commits of events.
  expect(version).toBe(older + 3);
  const counted = [...files.values()].filter(({ stats }) => stats?.includes('"replay_of":1') === true);
  expect(counted).toHaveLength(3);
});

it('a graceful stop leaves no event in scratch files', async () => {
  await ingest('a');
  const left = await readdir(lake.paths.scratch, { recursive: true, withFileTypes: true });
  expect(left.filter((entry) => entry.isFile()).map(({ name }) => name)).toEqual([]);
});

import { expect, test } from 'vitest';
import { useDuckDb } from './fixtures.ts';
import { simulateYear } from './year-simulation.ts';

const db = useDuckDb();

test('the log stops growing once its retention has passed, whatever the age of the table (S4.5)', async () => {
  const commitsPerDay = 48;
  const sizes = await simulateYear(
    {
      commitsPerDay,
      filesPerDay: 2,
      daysBefore: 350,
      days: 7,
      statsColumns: 4,
      configuration: {
        'delta.checkpointInterval': '12',
        'delta.logRetentionDuration': 'interval 3 days',
        'delta.deletedFileRetentionDuration': 'interval 1 days',
      },
    },
    db.duckdb,
  );
  // 24 compactions a day; one interval more than the retention is kept, to have a checkpoint to start from.
  const most = 3 * (commitsPerDay + 24) + 2 * 12;
  for (const size of sizes.slice(3)) {
    expect(size.entries).toBeLessThanOrEqual(most);
    expect(size.checkpoints).toBeLessThanOrEqual(most / 12 + 1);
    expect(size.tombstones).toBeLessThanOrEqual(commitsPerDay + 24 + commitsPerDay);
  }
  expect(sizes.at(-1)?.files).toBe(357 * 2);
});

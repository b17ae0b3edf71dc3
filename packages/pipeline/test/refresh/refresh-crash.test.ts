import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGoldTables } from '../../src/lake/gold-tables.ts';
import { runChild } from '../harness/child.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';
import { everything, goldOf, recordOf, visit } from './gold-bench.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { expectedGold, type SentEvent } from './gold-oracle.ts';

/** Where a refresh of five models is killed, and the how manieth time it gets there. */
const points = [
  'refresh-planned',
  // The first time the table is there, and empty.
  'delta-parquet-written:1',
  'delta-parquet-written:2',
  'delta-parquet-written:5',
  'delta-before-commit:1',
  'delta-before-commit:3',
  'delta-after-commit:1',
  'delta-after-commit:2',
  'delta-after-commit:3',
  'refresh-after-model:1',
  'refresh-after-model:2',
  'refresh-after-model:5',
];
/** The same, where a table's log is looked after. */
const pointsAfterCommits = [
  'delta-checkpoint-written:1',
  'delta-checkpoint-written:2',
  'delta-log-cleanup:1',
  'delta-log-cleanup:2',
];

/** Sessions over midnight, and one that the second batch joins to another. */
function batches(): readonly (readonly SentEvent[])[] {
  const first = [
    visit('ann', 1430, { type: 'product_view', product: 'laptop' }),
    visit('ann', 1490),
    visit('ben', 10, { type: 'purchase', product: 'tablet' }),
    visit('cleo', 2 * 1440 + 5),
  ];
  const second = [visit('ann', 1460), visit('ben', 20), visit('dan', 1445)];
  return [first, second];
}

describe('kill -9 within a refresh (S7.3)', () => {
  let lake: TestLake;
  let sent: SentEvent[];
  beforeEach(async () => {
    lake = await createTestLake();
    sent = [];
  });
  afterEach(() => lake.remove());

  /** Takes up a batch, and dies in the refresh after it. */
  async function dieRefreshing(batch: readonly SentEvent[], crashAt: string): Promise<void> {
    await lake.append(batch.map((one, index) => recordOf(one, sent.length + index)));
    sent.push(...batch);
    const ingest = await lake.open();
    await ingest.catchUp(() => undefined);
    await ingest.close();
    const died = await runChild({ home: lake.paths.home, crashAt, steps: ['refresh'] });
    expect(died.signal, died.stderr).toBe('SIGKILL');
  }

  /** Another process refreshes, and once more. */
  async function expectResumed(): Promise<void> {
    const queryEngine = await openLakeQueries(lake);
    const owner = await lake.open({ queryEngine });
    await owner.refresh(everything);
    expect(await goldOf(queryEngine, owner)).toEqual(expectedGold(sent));
    const again = await owner.refresh(everything);
    expect(again.models.map(({ mode }) => mode)).toEqual(again.models.map(() => 'nothing'));
    await owner.close();
    await queryEngine.close();
  }

  test.each(points)(
    '%s: the next one does what is left, and nothing twice',
    async (crashAt) => {
      for (const batch of batches()) {
        await dieRefreshing(batch, crashAt);
        await expectResumed();
      }
    },
    240_000,
  );

  test.each(pointsAfterCommits)(
    '%s: the next one does what is left, and nothing twice, when every commit is followed by a checkpoint',
    async (crashAt) => {
      const [first = [], second = []] = batches();
      await dieRefreshing(first, 'refresh-planned');
      await expectResumed();
      await lookAfterLogsOften();
      await dieRefreshing(second, crashAt);
      await expectResumed();
    },
    240_000,
  );

  async function lookAfterLogsOften(): Promise<void> {
    const duckdb = await DuckDBInstance.create(':memory:');
    const gold = openGoldTables({
      directory: lake.paths.gold,
      files: nodeFileSystem,
      duckdb,
      crashPoints: noCrashPoints,
      clock: Date.now,
    });
    const tables = await gold.all();
    expect(tables.size).toBe(5);
    for (const table of tables.values())
      await table.setProperties({
        'delta.checkpointInterval': '1',
        'delta.logRetentionDuration': 'interval 0 days',
      });
    await gold.close();
    duckdb.closeSync();
  }
});

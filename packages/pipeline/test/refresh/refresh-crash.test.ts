import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { goldTablesOf } from '../harness/gold-tables.ts';
import { runChild } from '../harness/child.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';
import { everything, goldOf, recordOf, visit } from './gold-bench.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { expectedGold, type SentEvent } from './gold-oracle.ts';

/**
 * Where refreshes of five models are killed, one after another, and the how manieth time they get there: each is the
 * restart after the one before.
 */
const kills: readonly (readonly string[])[] = [
  // The first time a table is there, and empty.
  ['refresh-planned', 'delta-parquet-written:1', 'delta-before-commit:1', 'delta-after-commit:1'],
  ['refresh-after-model:1', 'delta-parquet-written:2', 'refresh-after-model:5'],
  ['delta-before-commit:3', 'refresh-after-model:2'],
  ['delta-after-commit:3', 'delta-after-commit:1'],
  ['delta-parquet-written:5', 'delta-after-commit:1'],
];
/** The same, where a table's log is looked after. */
const killsAfterCommits: readonly (readonly string[])[] = [
  ['delta-checkpoint-written:1', 'delta-log-cleanup:1'],
  ['delta-log-cleanup:2', 'delta-checkpoint-written:1'],
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

  /** Takes up a batch, and dies in the refreshes after it. */
  async function dieRefreshing(batch: readonly SentEvent[], crashes: readonly string[]): Promise<void> {
    await lake.append(batch.map((one, index) => recordOf(one, sent.length + index)));
    sent.push(...batch);
    const ingest = await lake.open();
    await ingest.catchUp(() => undefined);
    await ingest.close();
    for (const crashAt of crashes) {
      const died = await runChild({ home: lake.paths.home, crashAt, steps: ['refresh'] });
      expect({ crashAt, signal: died.signal }, died.stderr).toEqual({ crashAt, signal: 'SIGKILL' });
    }
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

  test.each(kills.map((crashes) => [crashes.join(', '), crashes] as const))(
    '%s: the next one does what is left, and nothing twice',
    async (_, crashes) => {
      for (const batch of batches()) {
        await dieRefreshing(batch, crashes);
        await expectResumed();
      }
    },
    240_000,
  );

  test.each(killsAfterCommits.map((crashes) => [crashes.join(', '), crashes] as const))(
    '%s: the next one does what is left, and nothing twice, when every commit is followed by a checkpoint',
    async (_, crashes) => {
      const [first = [], second = []] = batches();
      await dieRefreshing(first, ['refresh-planned']);
      await expectResumed();
      await lookAfterLogsOften();
      await dieRefreshing(second, crashes);
      await expectResumed();
    },
    240_000,
  );

  async function lookAfterLogsOften(): Promise<void> {
    const duckdb = await DuckDBInstance.create(':memory:');
    const gold = goldTablesOf(lake, duckdb);
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

import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints } from '@clicklake/durable-files';
import { lakePaths } from '@clicklake/pipeline';
// Deep imports: a lake that has committed something long ago cannot be had from outside in a minute.
import { openLakeDuckdb } from '../../../packages/pipeline/src/lake/duckdb.ts';
import { openOrCreateTables } from '../../../packages/pipeline/src/lake/lake-tables.ts';
import { partitionAppId, removedAppId } from '../../../packages/pipeline/src/ingest/transaction-ids.ts';
import { median, rounded, type Benchmark } from '../benchmark.ts';
import { linkDedupeWindow } from '../support/dedupe-window.ts';
import { eventLogFixture } from '../support/event-log-fixture.ts';
import { runIngest } from '../support/ingest-run.ts';

const million = 1_000_000;

/** Share of the speed without ids in the window that must be left. */
const bars: readonly (readonly [ids: number, bar: number])[] = [
  [10 * million, 0.8],
  [100 * million, 0.5],
];

export const ingestWindowBenchmark: Benchmark = {
  name: 'ingest-window',
  description: 'the same with 10 M and 100 M ids in the dedupe window (bars: ≥ 0.8 and ≥ 0.5 of none)',
  async run({ short, say }) {
    const fixture = await eventLogFixture(short ? 100_000 : million, say);
    const sizes = short ? ([[million, 0.8]] as const) : bars;
    const pairs = short ? 1 : 3;
    const results: Record<string, unknown>[] = [];
    let worst = Number.POSITIVE_INFINITY;
    for (const [ids, bar] of sizes) {
      const without: number[] = [];
      const withIds: number[] = [];
      for (let pair = 0; pair < pairs; pair += 1) {
        without.push(
          (await runIngest(fixture.home, (home) => fillWindow(home, 0, fixture.lastReceivedAt, say))).seconds,
        );
        withIds.push(
          (await runIngest(fixture.home, (home) => fillWindow(home, ids, fixture.lastReceivedAt, say)))
            .seconds,
        );
        say(
          `${ids / million} M ids, pair ${pair + 1}: ${without.at(-1)?.toFixed(2)} s without, ${withIds.at(-1)?.toFixed(2)} s with`,
        );
      }
      const ratio = rounded(median(without) / median(withIds));
      worst = Math.min(worst, ratio / bar);
      results.push({
        ids,
        bar,
        ratio,
        seconds: rounded(median(withIds)),
        secondsWithout: rounded(median(without)),
      });
    }
    return {
      name: 'ingest-window',
      value: rounded(worst),
      bar: 1,
      pass: worst >= 1,
      detail: { unit: 'the worst of ratio ÷ its own bar', events: fixture.events, pairs, sizes: results },
    };
  },
};

const partitions = [0, 1, 2];

/**
 * Makes a lake whose Silver has passed offset 0 of each partition, and fills its window with ids of that
 * offset that no event has, spread over its seven days. (Those three records are booked as removed.)
 */
async function fillWindow(
  home: string,
  ids: number,
  until: number,
  say: (line: string) => void,
): Promise<void> {
  const paths = lakePaths(home);
  const duckdb = await openLakeDuckdb(paths.scratch, 256);
  const tables = await openOrCreateTables({
    paths,
    openStore: localStore,
    duckdb,
    crashPoints: noCrashPoints,
    clock: Date.now,
  });
  await tables.silver.commit({
    operation: 'WRITE',
    transactions: [
      ...partitions.map((partition) => ({
        appId: partitionAppId('clickstream-events', partition),
        version: 1n,
      })),
      { appId: removedAppId, version: BigInt(partitions.length) },
    ],
  });
  for (const table of Object.values(tables)) await table.close();
  duckdb.closeSync();
  await linkDedupeWindow(paths, ids, until, say);
}

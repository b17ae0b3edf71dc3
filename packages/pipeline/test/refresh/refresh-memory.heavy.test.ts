import { localStore } from '@clicklake/delta-lake';
import { nodeFileSystem } from '@clicklake/durable-files';
import { createGoldRefresh, type GoldRefresh } from '@clicklake/pipeline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectedEvent } from '../harness/records.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { createTestLake, type TestLake } from '../harness/test-lake.ts';
import { everything } from './gold-bench.ts';

const visitors = 90_000;
const eventsOfEach = 10;
const day = Date.UTC(2026, 4, 10);

let lake: TestLake;
beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

function goldOf(
  options: { readonly refreshMemoryMb?: number; readonly onPlanned?: () => void } = {},
): GoldRefresh {
  const { refreshMemoryMb, onPlanned } = options;
  return createGoldRefresh({
    paths: lake.paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: {
      reach(point) {
        if (point === 'refresh-planned') onPlanned?.();
      },
    },
    clock: Date.now,
    ...(refreshMemoryMb === undefined ? {} : { refreshMemoryMb }),
  });
}

/** Every visitor is there twice more on the one date. */
async function moreEvents(round: number): Promise<void> {
  const perRound = eventsOfEach / 2;
  for (let from = 0; from < visitors * perRound; from += 10_000) {
    const records = Array.from({ length: 10_000 }, (_, index) => {
      const number = from + index;
      const at = day + round * 3_600_000 + Math.floor(number / visitors) * 60_000;
      return collectedEvent(
        {
          event_id: `event-${round}-${number}`,
          user_id: `a visitor with a long name, number ${number % visitors}`,
          event_type: 'product_view',
          product_id: `product-${number % 700}`,
          timestamp: new Date(at).toISOString(),
          page_url: `https://shop.example/products/${number % 700}`,
        },
        day + 7_200_000 + number,
      );
    });
    await lake.append(records, 1_000);
  }
  const owner = await lake.open();
  await owner.catchUp(() => undefined);
  await owner.close();
}

test('what outgrows the memory of a refresh is made in smaller pieces, and is all there', async () => {
  await moreEvents(0);
  let plans = 0;
  const small = goldOf({ refreshMemoryMb: 80, onPlanned: () => (plans += 1) });
  const first = await small.refresh(everything);
  expect(first.models.map(({ mode }) => mode)).toEqual(first.models.map(() => 'full'));
  // The product has twice as much: the pieces that it begins with do not fit here.
  expect(plans).toBeGreaterThan(1);
  await small.close();

  // Far more new rows than a piece has, all on one date: Gold has fallen behind.
  await moreEvents(1);
  const refreshing = goldOf();
  const second = await refreshing.refresh(everything);
  expect(second.models.map(({ mode }) => mode)).toEqual(second.models.map(() => 'dates'));
  const third = await refreshing.refresh(everything);
  expect(third.models.map(({ mode }) => mode)).toEqual(third.models.map(() => 'nothing'));
  await refreshing.close();

  const queryEngine = await openLakeQueries(lake);
  const owner = await lake.open({ queryEngine });
  const { rows } = await queryEngine.run(
    `SELECT (SELECT sum(total_events) FROM daily_user_activity), (SELECT count(*) FROM daily_user_activity),
       (SELECT sum(total_events) FROM user_session_metrics), (SELECT count(*) FROM user_session_metrics),
       (SELECT sum(total_views) FROM product_performance), (SELECT sum(total_events) FROM daily_aggregates)`,
    () => owner.pin(),
  );
  const events = String(visitors * eventsOfEach);
  expect(rows[0]?.map(String)).toEqual([
    events,
    String(visitors),
    events,
    String(2 * visitors),
    events,
    events,
  ]);
  await owner.close();
  await queryEngine.close();
}, 300_000);

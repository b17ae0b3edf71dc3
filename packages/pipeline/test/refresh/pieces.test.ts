import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { createGoldRefresh } from '@clicklake/pipeline';
import { expect, test } from 'vitest';
import { everything, goldOf, onALake, visit } from './gold-bench.ts';
import { expectedGold, type SentEvent } from './gold-oracle.ts';
import { openLakeQueries } from '../harness/queries.ts';

/** Thirty visitors over four days, some of them over midnight. */
function visitors(): readonly SentEvent[] {
  return Array.from({ length: 30 }, (_, user) => user).flatMap((user) =>
    [0, 1, 2, 3].flatMap((day) => [
      visit(`user-${user}`, day * 1440 + 1420 + (user % 3) * 5, { type: 'product_view', product: 'laptop' }),
      visit(`user-${user}`, day * 1440 + 1435 + (user % 7) * 3, { seconds: user }),
      visit(`user-${user}`, day * 1440 + 300 + user * 7, { type: 'purchase', product: 'tablet' }),
    ]),
  );
}

test('what does not fit the memory at once is made in pieces, full and by dates, and is the same', async () => {
  await onALake(async ({ lake, owner, send }) => {
    const queryEngine = await openLakeQueries(lake);
    const inPieces = createGoldRefresh({
      paths: lake.paths,
      files: nodeFileSystem,
      openStore: localStore,
      crashPoints: noCrashPoints,
      clock: Date.now,
      rowsPerPiece: 50,
    });
    const all = [...visitors()];
    await send(all);
    const plan = await inPieces.plan(everything);
    expect(plan.steps.find(({ model }) => model === 'user_session_metrics')?.pieces).toBeGreaterThan(5);
    await inPieces.refresh(everything);
    expect(await goldOf(queryEngine, owner)).toEqual(expectedGold(all));

    // More new rows than a piece holds, and then few.
    for (const count of [60, 5]) {
      const more = Array.from({ length: count }, (_, number) =>
        visit(`user-${number % 40}`, 1440 + 600 + number * 3, { type: 'product_view', product: 'laptop' }),
      );
      await send(more);
      all.push(...more);
      const { models } = await inPieces.refresh(everything);
      expect(models.map(({ mode }) => mode)).toEqual(models.map(() => 'dates'));
      expect(await goldOf(queryEngine, owner)).toEqual(expectedGold(all));
    }
    await inPieces.close();
    await queryEngine.close();
  });
}, 120_000);

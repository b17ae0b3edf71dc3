import { describe, expect, test } from 'vitest';
import { runChild } from '../harness/child.ts';
import { createTestLake } from '../harness/test-lake.ts';
import { everything, goldOf, recordOf, visit } from './gold-bench.ts';
import { openLakeQueries } from '../harness/queries.ts';
import { expectedGold, type Visit } from './gold-oracle.ts';

/** Where a refresh of five models is killed, and how often the point is passed before. */
const points = [
  'refresh-planned',
  'delta-parquet-written:1',
  'refresh-after-model:1',
  'delta-before-commit:3',
  'delta-after-commit:3',
  'refresh-after-model:5',
];

/** Sessions over midnight, and one that the second batch joins to another. */
function batches(): readonly (readonly Visit[])[] {
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
  test.each(points)(
    '%s: the next one does what is left, and nothing twice',
    async (crashAt) => {
      const lake = await createTestLake();
      const sent: Visit[] = [];
      const { home } = lake.paths;
      for (const batch of batches()) {
        await lake.append(batch.map((one, index) => recordOf(one, sent.length + index)));
        sent.push(...batch);
        const ingest = await lake.open();
        await ingest.catchUp(() => undefined);
        await ingest.close();

        const died = await runChild({ home, crashAt, steps: ['refresh'] });
        expect(died.signal, died.stderr).toBe('SIGKILL');

        const queryEngine = await openLakeQueries(lake);
        const owner = await lake.open({ queryEngine });
        await owner.refresh(everything);
        expect(await goldOf(queryEngine, owner)).toEqual(expectedGold(sent));
        const again = await owner.refresh(everything);
        expect(again.models.map(({ mode }) => mode)).toEqual(again.models.map(() => 'nothing'));
        await owner.close();
        await queryEngine.close();
      }
      await lake.remove();
    },
    240_000,
  );
});

import { afterEach, beforeEach, expect, it } from 'vitest';
import { collectedEvent } from './harness/records.ts';
import { createTestLake, type TestLake } from './harness/test-lake.ts';

const events = 200_000;
let lake: TestLake;

beforeEach(async () => {
  lake = await createTestLake();
});
afterEach(() => lake.remove());

// With one generation of all of it, as commit_size alone would have it, DuckDB fails for want of memory.
it('a catch-up of more than there is memory for commits within it', async () => {
  const now = Date.now() - 60_000;
  const text = 'It came on time and does what it should. '.repeat(16);
  for (let from = 0; from < events; from += 10_000) {
    await lake.append(
      Array.from({ length: 10_000 }, (_, index) =>
        collectedEvent(
          {
            event_id: `event-${from + index}`,
            user_id: `user-${index % 100}`,
            event_type: 'product_view',
            product_id: 'laptop',
            timestamp: new Date(now).toISOString(),
            properties: { review: `${from + index} ${text}` },
          },
          now,
        ),
      ),
      1_000,
    );
  }
  const owner = await lake.open({ memoryLimitMb: 128 });
  await owner.catchUp(() => undefined);
  expect(await owner.ledger({ deep: true })).toMatchObject({ silver: events, balanced: true });
  await owner.close();
}, 120_000);

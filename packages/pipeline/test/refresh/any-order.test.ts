import { test } from 'vitest';
import { expectGoldInAnyOrder } from './any-order.ts';

test('after any order of batches, late events, duplicates, replays, restores and refreshes Gold is that of a plain recomputation, and a full refresh changes nothing (S7)', async () => {
  await expectGoldInAnyOrder({ runs: 4, happenings: 14, limitMs: 200_000 });
}, 240_000);

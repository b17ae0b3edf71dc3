import { test } from 'vitest';
import { expectGoldInAnyOrder } from './any-order.ts';

test('Gold after any order of what may happen to a lake, many times over (S7)', async () => {
  await expectGoldInAnyOrder({ runs: 12, happenings: 24, limitMs: 200_000 });
}, 600_000);

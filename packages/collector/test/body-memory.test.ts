import { expect, test } from 'vitest';
import { createBodyMemory } from '../src/body-memory.ts';

test('what is being decoded at one time is bounded, whatever number of requests comes (bombs)', async () => {
  const memory = createBodyMemory(1_000);
  let running = 0;
  let most = 0;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, async (_, index) => {
      const lease = memory.lease();
      try {
        const decoded = await lease.takeResult(async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setImmediate(resolve));
          running -= 1;
          if (index % 10 === 9) throw new Error('not gzip');
          return Buffer.alloc(300);
        });
        expect(memory.held()).toBeLessThanOrEqual(1_000);
        return decoded.length;
      } finally {
        lease.release();
      }
    }),
  );
  expect(most).toBe(4);
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeGreaterThanOrEqual(10);
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  expect(memory.held()).toBe(0);
});

test('a result beyond the limit of all bodies is refused, and its memory is not held', async () => {
  const memory = createBodyMemory(1_000);
  const lease = memory.lease();
  lease.take(400);
  await expect(lease.takeResult(() => Promise.resolve(Buffer.alloc(601)))).rejects.toMatchObject({
    code: 'collector-busy',
  });
  expect(memory.held()).toBe(400);
  await lease.takeResult(() => Promise.resolve(Buffer.alloc(600)));
  expect(memory.held()).toBe(1_000);
  lease.release();
  expect(memory.held()).toBe(0);
});

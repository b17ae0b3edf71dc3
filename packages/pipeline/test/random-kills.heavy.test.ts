import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { surviveRandomKills } from './harness/random-kills.ts';

const seed = Number(process.env.CLICKLAKE_TEST_SEED ?? randomInt(1, 2 ** 31));

it(`60 kills at random moments, seed ${seed}`, async () => {
  expect(await surviveRandomKills(seed, 60, 6)).toBeGreaterThan(0);
});

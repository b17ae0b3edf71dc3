import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { surviveRandomKills } from './harness/random-kills.ts';

// CLICKLAKE_TEST_SEED repeats a run as far as kill times can.
const seed = Number(process.env.CLICKLAKE_TEST_SEED ?? randomInt(1, 2 ** 31));

it(
  `nothing acknowledged is lost or doubled by kill -9 at random moments, seed ${seed}`,
  { timeout: 300_000 },
  async () => {
    expect(await surviveRandomKills(seed, 20, 10)).toBeGreaterThan(0);
  },
);

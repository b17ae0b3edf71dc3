import { expect, it } from 'vitest';
import { livesThroughPowerCuts } from './harness/power-cut.ts';

const seeds = Array.from({ length: 60 }, (_, index) => 1000 + index);

it.each(seeds)(
  'every acknowledged event is there exactly once through power cuts (S5.2), seed %i',
  async (seed) => {
    expect(await livesThroughPowerCuts(seed)).toBeGreaterThan(0);
  },
);

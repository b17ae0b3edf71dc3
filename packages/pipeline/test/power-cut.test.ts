import { describe, expect, it } from 'vitest';
import { livesThroughPowerCuts } from './harness/power-cut.ts';

// More of them in power-cut.heavy.test.ts.
const seeds = Array.from({ length: 10 }, (_, index) => 1 + index);

describe('log, tables and dedupe state through power cuts (S5.2)', () => {
  it.each(seeds)('every acknowledged event is there exactly once, seed %i', async (seed) => {
    expect(await livesThroughPowerCuts(seed)).toBeGreaterThan(0);
  });
});

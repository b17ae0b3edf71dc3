import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The suites that need Python, a browser or minutes: run by `.ci/run` after `npm test`. */
export default mergeConfig(
  base,
  defineConfig({
    test: {
      include: ['packages/*/test/**/*.heavy.test.ts', 'apps/*/test/**/*.heavy.test.ts', 'tests/**/*.heavy.test.ts'],
      maxWorkers: 1,
      testTimeout: 600_000,
      hookTimeout: 300_000,
    },
  }),
);

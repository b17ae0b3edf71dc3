import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

/** The suites that need Python, a browser or minutes: run by `.ci/run` after `npm test`. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['packages', 'apps']
      .map((root) => `${root}/*/test/**/*.heavy.test.ts`)
      .concat('tests/**/*.heavy.test.ts'),
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
});

import { defineConfig } from 'vitest/config';

const conditions = ['source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // `*.heavy.test.ts` is not matched: those suites need more than Node (vitest.heavy.config.ts).
    include: ['packages', 'apps']
      .map((root) => `${root}/*/test/**/!(*.heavy).test.ts`)
      .concat('tests/**/!(*.heavy).test.ts'),
    // The tests start real servers, DuckDB and child processes; two cores carry two at a time.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // An awaited event may take its time on a busy machine; only one that never comes is a failure.
    expect: { poll: { timeout: 30_000 } },
  },
});

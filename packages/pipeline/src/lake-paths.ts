import { join } from 'node:path';

/** Where the state of one CLICKLAKE_HOME lies. */
export interface LakePaths {
  readonly home: string;
  readonly log: string;
  readonly lake: string;
  readonly tables: { readonly silver: string; readonly dead_letters: string; readonly duplicates: string };
  /** The dedupe index: derived from Silver, may be deleted at any time while nothing runs. */
  readonly dedupe: string;
  /** Scratch files of a running process. */
  readonly scratch: string;
  /** Keys and tokens, mode 0700; never below `lake` (S6.4). */
  readonly secrets: string;
  readonly ingestLock: string;
}

/** The original's names for buckets and prefixes stand below `lake`. */
export function lakePaths(home: string): LakePaths {
  const lake = join(home, 'lake');
  return {
    home,
    log: join(home, 'log'),
    lake,
    tables: {
      silver: join(lake, 'user-behavior-analytics-silver', 'clickstream', 'delta'),
      dead_letters: join(lake, 'user-behavior-analytics-silver', 'dead_letters'),
      duplicates: join(lake, 'user-behavior-analytics-silver', 'duplicates'),
    },
    dedupe: join(home, 'state', 'dedupe'),
    scratch: join(home, 'state', 'scratch'),
    secrets: join(home, 'secrets'),
    ingestLock: join(home, 'ingest.lock'),
  };
}

import { join } from 'node:path';

/** Where the state of one CLICKLAKE_HOME lies. */
export interface LakePaths {
  readonly home: string;
  readonly log: string;
  readonly lake: string;
  readonly tables: { readonly silver: string; readonly dead_letters: string; readonly duplicates: string };
  /** Which log offsets the rows had that were deleted from Silver (S4.2). */
  readonly removals: string;
  /** One directory for each Gold table. */
  readonly gold: string;
  /** The dedupe index: derived from Silver, may be deleted at any time while nothing runs. */
  readonly dedupe: string;
  /** Filters of the event_ids of Silver's files: derived, may be deleted at any time. */
  readonly idFilters: string;
  /** Scratch files of a running process. */
  readonly scratch: string;
  /** The same for refreshes, whose sorts spill. */
  readonly refreshScratch: string;
  /** The record of what jobs have done. */
  readonly jobs: string;
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
    removals: join(lake, 'user-behavior-analytics-silver', 'removals'),
    gold: join(lake, 'user-behavior-analytics-gold'),
    dedupe: join(home, 'state', 'dedupe'),
    idFilters: join(home, 'state', 'event-ids'),
    scratch: join(home, 'state', 'scratch'),
    refreshScratch: join(home, 'state', 'refresh-scratch'),
    jobs: join(home, 'jobs'),
    secrets: join(home, 'secrets'),
    ingestLock: join(home, 'ingest.lock'),
  };
}

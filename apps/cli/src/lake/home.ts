import { join } from 'node:path';
import { lakePaths, type LakePaths } from '@clicklake/pipeline';

/** Where everything of one CLICKLAKE_HOME lies: the lake's own places, and the command's. */
export interface HomePaths extends LakePaths {
  /** The admin API's token (S6.5). */
  readonly apiToken: string;
  readonly writeKeys: string;
  /** What the collector takes replays for (S8): a key that sends no events. */
  readonly replayKey: string;
  /** Held by the process that collects; its record names the collector's address. */
  readonly collectorLock: string;
  readonly sqlHistory: string;
}

export function homePaths(home: string): HomePaths {
  const paths = lakePaths(home);
  return {
    ...paths,
    apiToken: join(paths.secrets, 'api-token'),
    replayKey: join(paths.secrets, 'replay-key'),
    writeKeys: join(paths.secrets, 'keys.json'),
    collectorLock: join(home, 'collector.lock'),
    sqlHistory: join(home, 'sql-history'),
  };
}

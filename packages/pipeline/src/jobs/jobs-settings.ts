import type { Pace } from './pace.ts';
import { defaultRetryPolicy, type RetryPolicy } from './retry.ts';
import type { Schedule } from './schedule.ts';

/** When a lake's jobs run, and what is done when one fails. Times in milliseconds. */
export interface JobsSettings {
  readonly refresh: { readonly schedule: Schedule; readonly pace: Pace };
  readonly maintenance: { readonly schedule: Schedule; readonly pace: Pace };
  readonly retention: { readonly schedule: Schedule; readonly pace: Pace };
  /** Silver's rows of dates that ended longer ago are deleted; Infinity: none. */
  readonly silverRetentionMs: number;
  readonly retries: RetryPolicy;
  /** Null: nobody is told of failed runs. */
  readonly webhook: {
    readonly url: string;
    readonly timeoutMs: number;
    readonly pausesMs: readonly number[];
  } | null;
}

/**
 * S7.4's pace for Gold. Compaction looks once a minute at a commit every ten seconds, as its arithmetic assumes
 * (docs/operations.md). The log's limits are kept once a minute.
 */
export const defaultJobsSettings: JobsSettings = {
  refresh: {
    schedule: { kind: 'after-commits' },
    pace: { commits: 1, leastMs: 5_000, restFactor: 4 },
  },
  maintenance: {
    schedule: { kind: 'after-commits' },
    pace: { commits: 6, leastMs: 5_000, restFactor: 1 },
  },
  retention: {
    schedule: { kind: 'cron', expression: '* * * * *' },
    pace: { commits: 6, leastMs: 60_000, restFactor: 1 },
  },
  silverRetentionMs: Infinity,
  retries: defaultRetryPolicy,
  webhook: null,
};

/** The same lake with nobody but people to start its jobs. */
export const noJobsByThemselves: JobsSettings = {
  ...defaultJobsSettings,
  refresh: { ...defaultJobsSettings.refresh, schedule: { kind: 'off' } },
  maintenance: { ...defaultJobsSettings.maintenance, schedule: { kind: 'off' } },
  retention: { ...defaultJobsSettings.retention, schedule: { kind: 'off' } },
};

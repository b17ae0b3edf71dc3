import type { EmbeddedLogOptions } from '@clicklake/event-log';
import type { IngestSettings, JobsSettings, MaintenanceSettings } from '@clicklake/pipeline';
import type { QueryEngineOptions } from '@clicklake/query';
import { environmentCrashPoints, type CrashPoints } from '@clicklake/durable-files';
import type { Config } from '../config/settings.ts';
import type { HomePaths } from '../lake/home.ts';
import { queryScratch } from './query-scratch.ts';

/** MiB of the DuckDB that ingest, maintenance and the ledger use; queries have their own. */
export const lakeMemoryMb = 256;

/** `CLICKLAKE_CRASH_AT` is for the kill tests: only the composition root reads it. */
export function crashPointsOf(env: Readonly<Record<string, string | undefined>>): CrashPoints {
  return environmentCrashPoints(env.CLICKLAKE_CRASH_AT);
}

const largestSegmentBytes = 128 * 2 ** 20;
const smallestSegmentBytes = 16 * 2 ** 10;

/**
 * Retention deletes whole segments, and of none of the four partitions the one being written: with segments of an
 * eighth of the limit at least half of the log can go. Else a log with a small limit would be full for good.
 */
function segmentBytesWithin(limitBytes: number): number {
  return Math.max(smallestSegmentBytes, Math.min(largestSegmentBytes, Math.floor(limitBytes / 8)));
}

export function logOptions(
  config: Config,
  paths: HomePaths,
  crashPoints: CrashPoints,
  role: string,
): EmbeddedLogOptions {
  return {
    directory: paths.log,
    crashPoints,
    role,
    segmentBytes: segmentBytesWithin(Math.min(config['log.retention_size'], config['log.max_size'])),
    retentionMs: config['log.retention'],
    retentionBytes: config['log.retention_size'],
    maxDiskBytes: config['log.max_size'],
    minFreeBytes: config['log.min_free'],
  };
}

export function ingestSettingsOf(config: Config, defaults: IngestSettings): IngestSettings {
  return {
    ...defaults,
    tickIntervalMs: config['ingest.tick_interval'],
    commitIntervalMs: config['ingest.commit_interval'],
    commitBytes: config['ingest.commit_size'],
    dedupeWindowMs: config['ingest.dedupe_window'],
    dedupeMemoryBytes: config['ingest.dedupe_memory'],
  };
}

export function maintenanceSettingsOf(config: Config, defaults: MaintenanceSettings): MaintenanceSettings {
  return {
    ...defaults,
    retentions: {
      silver: {
        checkpointInterval: config['silver.checkpoint_interval'],
        logRetentionMs: config['silver.version_retention'],
        deletedFileRetentionMs: config['silver.deleted_file_retention'],
      },
      gold: {
        checkpointInterval: config['gold.checkpoint_interval'],
        logRetentionMs: config['gold.version_retention'],
        deletedFileRetentionMs: config['gold.deleted_file_retention'],
      },
    },
  };
}

/** @param defaults those of the pipeline, and `webhook` what a webhook's calls are like. */
export function jobsSettingsOf(
  config: Config,
  defaults: JobsSettings,
  webhook: Omit<NonNullable<JobsSettings['webhook']>, 'url'>,
): JobsSettings {
  const { refresh, maintenance, retention } = defaults;
  const url = config['jobs.webhook_url'];
  return {
    ...defaults,
    refresh: {
      schedule: config['jobs.refresh'],
      pace: {
        ...refresh.pace,
        leastMs: config['jobs.refresh_interval'],
        restFactor: config['jobs.refresh_rest'],
      },
    },
    maintenance: { ...maintenance, schedule: config['jobs.maintenance'] },
    retention: { ...retention, schedule: config['jobs.retention'] },
    silverRetentionMs: config['silver.retention'],
    webhook: url === null ? null : { ...webhook, url },
  };
}

export function queryOptions(config: Config, paths: HomePaths): QueryEngineOptions {
  return {
    readableDirectories: [paths.lake],
    memoryLimitMb: Math.round(config['query.memory'] / 2 ** 20),
    timeoutMs: config['query.timeout'],
    maxRows: config['query.max_rows'],
    tempDirectory: queryScratch(paths.scratch),
  };
}

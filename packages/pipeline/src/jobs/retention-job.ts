import type { CrashPoints } from '@clicklake/durable-files';
import type { LogReader, LogWriter } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LakeTables } from '../lake/lake-tables.ts';
import type { Removals } from '../ledger/removals.ts';
import { applyLogRetention } from '../maintenance/log-retention.ts';
import {
  oldestToCome,
  planSilverRemoval,
  removeFromSilver,
  silverRetention,
  type SilverRetention,
} from '../maintenance/silver-retention.ts';
import { logClaim, retentionJob } from './job-descriptions.ts';
import type { Job, JobStep, StepReport } from './job.ts';

export interface RetentionJobOptions {
  readonly silver: LakeTables['silver'];
  readonly removals: Removals;
  readonly connection: DuckDBConnection;
  readonly log: LogReader;
  /** Null: another process writes the log, and looks after its limits. */
  readonly logWriter: LogWriter | null;
  /** Infinity: Silver keeps its rows. */
  readonly silverRetentionMs: number;
  readonly dedupeWindowMs: number;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  /** Told of the version of Silver that has lost rows. */
  readonly onRemoved: (silverVersion: number) => void;
}

/** Deletes what is past its time: segments of the log, and rows of Silver when it has a retention. */
export function createRetentionJob(options: RetentionJobOptions): Job {
  const { silver, log, logWriter, silverRetentionMs, dedupeWindowMs, clock } = options;

  async function retention(): Promise<SilverRetention> {
    const oldest = await oldestToCome(log, await silver.snapshot());
    return silverRetention(clock(), silverRetentionMs, dedupeWindowMs, oldest);
  }

  async function trimLog(writer: LogWriter): Promise<StepReport> {
    const trimmed = await applyLogRetention(writer, log);
    const segments = trimmed?.deletedSegments ?? 0;
    return {
      did: segments === 0 ? null : `log: ${segments} segments deleted`,
      facts: { logSegments: segments, logBytes: trimmed?.deletedBytes ?? 0 },
    };
  }

  async function trimSilver(): Promise<StepReport> {
    const limits = await retention();
    const snapshot = await silver.snapshot();
    const removal = planSilverRemoval(snapshot, limits);
    if (removal.files.length === 0) return { did: null };
    const version = await removeFromSilver(options, snapshot, limits, removal);
    options.onRemoved(version);
    const dates = removal.dates.length === 1 ? '1 date' : `${removal.dates.length} dates`;
    return {
      did: `silver: ${removal.rows} rows of ${dates} before ${limits.before} deleted`,
      facts: { silverRows: removal.rows, silverDates: removal.dates.length, silverVersion: version },
    };
  }

  return {
    ...retentionJob,
    async plan() {
      const steps: JobStep[] = [];
      if (logWriter !== null) steps.push({ tables: [logClaim], run: () => trimLog(logWriter) });
      // Held dates are no reason to hold the table: the plan says whether any can go.
      if (
        silverRetentionMs !== Infinity &&
        planSilverRemoval(await silver.snapshot(), await retention()).files.length > 0
      )
        steps.push({ tables: ['silver'], run: trimSilver });
      return steps;
    },
  };
}

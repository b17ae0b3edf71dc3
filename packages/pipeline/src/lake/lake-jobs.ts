import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import type { DeltaTable } from '@clicklake/delta-lake';
import type { LogReader, LogWriter } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { IngestSettings } from '../ingest/ingest-settings.ts';
import { createEmbeddedOrchestrator } from '../jobs/embedded-orchestrator.ts';
import { createGoldLagMeter } from '../jobs/gold-lag.ts';
import type { JobsSettings } from '../jobs/jobs-settings.ts';
import { createMaintenanceJob } from '../jobs/maintenance-job.ts';
import type { Orchestrator } from '../jobs/orchestrator.ts';
import { goldClaim, refreshJob } from '../jobs/job-descriptions.ts';
import { askedRefresh, createRefreshJob } from '../jobs/refresh-job.ts';
import { createRetentionJob } from '../jobs/retention-job.ts';
import { openRunHistory } from '../jobs/run-history.ts';
import { createTableClaims, type TableClaims } from '../jobs/table-claims.ts';
import { createWebhook } from '../jobs/webhook.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { JobsStatus, LakeOwner } from '../lake-service.ts';
import type { Removals } from '../ledger/removals.ts';
import type { MaintenanceSettings } from '../maintenance/maintenance-settings.ts';
import { PipelineError } from '../pipeline-error.ts';
import type { RefreshResult } from '../refresh/refresher.ts';
import type { GoldRefresh } from './gold-refresh.ts';
import { rowsOf, type LakeTables } from './lake-tables.ts';

export interface LakeJobsOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  readonly tables: LakeTables;
  readonly removals: Removals;
  /** For short questions about tables. */
  readonly connection: DuckDBConnection;
  readonly gold: () => Promise<ReadonlyMap<string, DeltaTable>>;
  readonly refreshing: GoldRefresh;
  readonly reader: LogReader;
  readonly logWriter?: LogWriter;
  readonly settings: Pick<IngestSettings, 'dedupeWindowMs'>;
  readonly maintenance: MaintenanceSettings;
  readonly jobs: JobsSettings;
}

/** The jobs of one lake, and the claims on its tables that its other writers share with them. */
export interface LakeJobs
  extends Omit<Orchestrator, 'noteCommit' | 'health'>, Pick<LakeOwner, 'planRefresh' | 'refresh' | 'test'> {
  readonly claims: TableClaims;
  /** Silver has new rows, or has lost some, in this version. */
  noteSilver(version: number): void;
  status(): JobsStatus;
}

export async function openLakeJobs(options: LakeJobsOptions): Promise<LakeJobs> {
  const { paths, files, crashPoints, clock, tables, refreshing, jobs: settings } = options;
  const history = await openRunHistory({ directory: paths.jobs, files });
  const refreshed = history
    .list()
    .find(({ job, outcome, partial }) => job === refreshJob.name && outcome === 'succeeded' && !partial);
  const goldVersion = refreshed?.facts.silverVersion;
  const meter = createGoldLagMeter(
    clock,
    (await tables.silver.snapshot()).version,
    typeof goldVersion === 'number' ? goldVersion : undefined,
    Date.parse(refreshed?.startedAt ?? '') || clock(),
  );
  const claims = createTableClaims();
  const closing = new AbortController();
  const refreshOptions = {
    refresher: refreshing,
    hasEvents: () => hasEvents(options),
    isBehind: async () => (await tables.silver.snapshot()).version !== meter.lag().goldVersion,
    onRefreshed: (silverVersion: number) => meter.noteGold(silverVersion),
  };
  const noteSilver = (version: number): void => {
    meter.noteSilver(version);
    orchestrator.noteCommit();
  };
  const orchestrator = createEmbeddedOrchestrator({
    jobs: [
      { job: createRefreshJob(refreshOptions), ...settings.refresh },
      {
        job: createMaintenanceJob({ tables, gold: options.gold, settings: options.maintenance, clock }),
        ...settings.maintenance,
      },
      {
        job: createRetentionJob({
          silver: tables.silver,
          removals: options.removals,
          connection: options.connection,
          log: options.reader,
          logWriter: options.logWriter ?? null,
          silverRetentionMs: settings.silverRetentionMs,
          dedupeWindowMs: options.settings.dedupeWindowMs,
          crashPoints,
          clock,
          onRemoved: noteSilver,
        }),
        ...settings.retention,
      },
    ],
    history,
    claims,
    retries: settings.retries,
    webhook: settings.webhook === null ? null : createWebhook({ ...settings.webhook, home: paths.home }),
    crashPoints,
    clock,
    random: Math.random,
  });
  function withEngine<T>(work: () => Promise<T>): Promise<T> {
    return claims.hold([goldClaim], () => {
      closing.signal.throwIfAborted();
      return work();
    });
  }

  return {
    ...orchestrator,
    async close() {
      closing.abort(unfinished('The work'));
      await orchestrator.close();
      // Commands that write a table hold a claim, too.
      await claims.idle();
    },
    claims,
    noteSilver,
    status: () => ({ ...orchestrator.health(), gold: meter.lag() }),
    // These open a session of the engine, of which there is one at a time.
    async planRefresh(request) {
      await requireEvents(options);
      return withEngine(() => refreshing.plan(request));
    },
    test: (request, onProgress) => withEngine(() => refreshing.test(request, onProgress, closing.signal)),
    async refresh(request, onProgress) {
      await requireEvents(options);
      const results: RefreshResult[] = [];
      const work = askedRefresh(refreshOptions, request, onProgress, (result) => results.push(result));
      await orchestrator.run(refreshJob.name, work);
      const [result] = results;
      if (result === undefined) throw unfinished('The refresh');
      return result;
    },
  };
}

/** Once there are Gold tables they follow Silver, also when it has lost its last row. */
async function hasEvents({ tables, gold }: LakeJobsOptions): Promise<boolean> {
  return rowsOf(await tables.silver.snapshot()) > 0 || (await gold()).size > 0;
}

/** Who asks for Gold of a lake without an event forgot something. */
async function requireEvents(options: LakeJobsOptions): Promise<void> {
  if (await hasEvents(options)) return;
  throw new PipelineError({
    code: 'refresh-no-silver',
    message: 'Silver has no events to make Gold from yet.',
    hint: 'Send events first: `npm start`, or `clicklake produce` and `clicklake ingest --until-caught-up`.',
  });
}

function unfinished(what: string): PipelineError {
  return new PipelineError({
    code: 'job-stopped',
    message: `${what} was not finished, because its process stops.`,
    hint: 'Nothing is half done: run it again once the process is back.',
    retryable: true,
  });
}

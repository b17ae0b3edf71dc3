import { rm } from 'node:fs/promises';
import { acquireLock, type CrashPoints, type FileSystem, type Lock } from '@clicklake/durable-files';
import type { Contract } from '@clicklake/contract';
import type { EventLog, LogWriter } from '@clicklake/event-log';
import type { QueryEngine } from '@clicklake/query';
import type { OpenStore } from '@clicklake/delta-lake';
import { describeProblem } from '../ingest/describe-problem.ts';
import { openIngestRunner } from '../ingest/ingest-runner.ts';
import { openIngestSession } from '../ingest/ingest-session.ts';
import { settingsWithin, type IngestSettings } from '../ingest/ingest-settings.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { JobsSettings } from '../jobs/jobs-settings.ts';
import type { LakeOwner } from '../lake-service.ts';
import { openRemovals } from '../ledger/removals.ts';
import type { MaintenanceSettings } from '../maintenance/maintenance-settings.ts';
import { optimizeTable, vacuumTable } from '../maintenance/table-upkeep.ts';
import { planSilverRestore, restoreSilver } from '../maintenance/restore-silver.ts';
import { openLakeDuckdb, utcConnection } from './duckdb.ts';
import { createGoldRefresh } from './gold-refresh.ts';
import { openGoldTables } from './gold-tables.ts';
import { openLakeJobs } from './lake-jobs.ts';
import { createLakeTrace } from './lake-trace.ts';
import { lakeReading } from './lake-reading.ts';
import { openOrCreateTables } from './lake-tables.ts';
import { createTailView } from './tail-view.ts';

export interface LakeOwnerOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  /** Where the tables lie. */
  readonly openStore: OpenStore;
  readonly crashPoints: CrashPoints;
  readonly log: EventLog;
  readonly contract: Contract;
  readonly settings: IngestSettings;
  readonly maintenance: MaintenanceSettings;
  readonly jobs: JobsSettings;
  /** The log's writer, when it is of this process: the retention job then keeps the log's limits. */
  readonly logWriter?: LogWriter;
  /** Where the tail is shown; null when this process answers no queries. */
  readonly queryEngine: QueryEngine | null;
  readonly clock: () => number;
  /** What the process is to whoever finds the lake owned: `up`, `ingest`. */
  readonly role: string;
  /** Of ingest's own DuckDB. */
  readonly memoryLimitMb: number;
  /** The dbt project that Gold is made by; that of the repository by default. */
  readonly modelsDirectory?: string;
  /** Of the DuckDB that a refresh opens, MiB; 160 by default. */
  readonly refreshMemoryMb?: number;
}

/** The owner, and its lease, whose record names the admin API once that listens (S6.3). */
export interface OwnedLake {
  readonly owner: LakeOwner;
  readonly lease: Lock;
}

/**
 * Takes the lake's ingest lease and opens its tables, creating them for a new lake.
 *
 * @throws DurableFilesError `files-lock-held` naming the owner's pid (S3.4).
 */
export async function openLakeOwner(options: LakeOwnerOptions): Promise<OwnedLake> {
  const { paths, files, openStore, crashPoints, clock } = options;
  const settings = settingsWithin(options.settings, options.memoryLimitMb);
  // Whatever is opened is closed in reverse order: when a later part fails to open, and in `close`.
  await using opened = new AsyncDisposableStack();
  await files.makeDirectory(paths.home);
  const lease = opened.adopt(
    await acquireLock(paths.ingestLock, options.role, `the lake in ${paths.home}`),
    (lock) => lock.release(),
  );
  await rm(paths.scratch, { recursive: true, force: true });
  const duckdb = opened.adopt(await openLakeDuckdb(paths.scratch, options.memoryLimitMb), (instance) =>
    instance.closeSync(),
  );
  const connection = opened.adopt(await utcConnection(duckdb), (own) => own.closeSync());
  const tables = await openOrCreateTables({ paths, openStore, duckdb, crashPoints, clock });
  for (const table of Object.values(tables)) opened.defer(() => table.close());
  const removals = opened.adopt(
    openRemovals({ store: openStore(paths.removals), duckdb, crashPoints, clock }),
    (own) => own.close(),
  );
  const reader = opened.adopt(await options.log.openReader(), (own) => own.close());
  const gold = opened.adopt(
    openGoldTables({ directory: paths.gold, files, openStore, duckdb, crashPoints, clock }),
    (own) => own.close(),
  );
  const refreshing = opened.adopt(createGoldRefresh(options), (own) => own.close());
  const jobs = opened.adopt(
    await openLakeJobs({
      ...options,
      tables,
      removals,
      connection,
      gold: () => gold.all(),
      refreshing,
      reader,
    }),
    (own) => own.close(),
  );
  let checkpointProblem: unknown;
  const tail = options.queryEngine === null ? undefined : createTailView(options.queryEngine);
  const ingest = await openIngestRunner({
    clock,
    onCommitted: (silverVersion) => jobs.noteSilver(silverVersion),
    openSession: (handlers) =>
      openIngestSession({
        paths,
        files,
        crashPoints,
        duckdb,
        tables,
        reader,
        contract: options.contract,
        settings,
        clock,
        tail,
        onMaintenance(found) {
          checkpointProblem = found;
        },
        ...handlers,
      }),
  });
  opened.defer(() => ingest.close());
  // Before ingest commits its tail, which would be an occasion for more of them.
  opened.defer(() => jobs.close());
  const { modelsDirectory } = options;
  const tracing = opened.adopt(
    createLakeTrace({
      paths,
      files,
      duckdb,
      tables,
      gold,
      log: reader,
      ingest: {
        uncommitted: () => ingest.uncommitted(),
        findEvent: (own, eventId) => ingest.findEvent(own, eventId),
        dedupeWindowMs: settings.dedupeWindowMs,
      },
      ...(modelsDirectory === undefined ? {} : { modelsDirectory }),
    }),
    (own) => own.close(),
  );
  const reading = lakeReading({
    trace: (eventId) => tracing.trace(eventId),
    paths,
    gold,
    tables,
    removals,
    log: reader,
    connection,
    connect: () => utcConnection(duckdb),
    ...(tail === undefined ? {} : { tail }),
  });
  opened.defer(() => reading.idle());
  const resources = opened.move();

  let closed: Promise<void> | undefined;
  const owner: LakeOwner = {
    ...reading,
    start() {
      ingest.start();
      jobs.start();
      return Promise.resolve();
    },
    catchUp: (onProgress) =>
      ingest.catchUp(({ records }, processed) => onProgress({ processed, inFlight: records })),
    state: () => ({ ...ingest.state(), maintenanceProblem: describeProblem(checkpointProblem) }),
    jobs: () => jobs.jobs(),
    runs: (filter) => jobs.runs(filter),
    jobsStatus: () => jobs.status(),
    runJob: (name) => jobs.run(name),
    planRefresh: (request) => jobs.planRefresh(request),
    refresh: (request, onProgress) => jobs.refresh(request, onProgress),
    test: (request, onProgress) => jobs.test(request, onProgress),
    optimize: (table, given) =>
      jobs.claims.hold([table], () => optimizeTable(tables[table], given, options.maintenance)),
    vacuum: (table, given) => jobs.claims.hold([table], () => vacuumTable(tables[table], given)),
    restore: (table, given) =>
      jobs.claims.hold([table, 'duplicates'], async () => {
        const restored = await ingest.rebase(
          () => planSilverRestore({ table, tables, removals, connection, reader, options: given }),
          (plan) => restoreSilver(tables.silver, removals, connection, plan),
        );
        jobs.noteSilver(restored.version);
        return restored;
      }),
    close: () => (closed ??= resources.disposeAsync()),
  };
  return { owner, lease };
}

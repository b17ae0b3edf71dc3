import { rm } from 'node:fs/promises';
import { acquireLock, type CrashPoints, type FileSystem, type Lock } from '@clicklake/durable-files';
import type { Contract } from '@clicklake/contract';
import type { EventLog } from '@clicklake/event-log';
import type { QueryEngine } from '@clicklake/query';
import { describeProblem } from '../ingest/describe-problem.ts';
import { openIngestRunner } from '../ingest/ingest-runner.ts';
import { openIngestSession } from '../ingest/ingest-session.ts';
import type { IngestSettings } from '../ingest/ingest-settings.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { LakeOwner } from '../lake-service.ts';
import { createMaintenance } from '../maintenance/maintenance.ts';
import type { MaintenanceSettings } from '../maintenance/maintenance-settings.ts';
import { planSilverRestore, restoreSilver } from '../maintenance/restore-silver.ts';
import { openLakeDuckdb, utcConnection } from './duckdb.ts';
import { createGoldRefresh } from './gold-refresh.ts';
import { openGoldTables } from './gold-tables.ts';
import { createLakeTrace } from './lake-trace.ts';
import { lakeReading } from './lake-reading.ts';
import { openOrCreateTables } from './lake-tables.ts';
import { createTailView } from './tail-view.ts';

export interface LakeOwnerOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly log: EventLog;
  readonly contract: Contract;
  readonly settings: IngestSettings;
  readonly maintenance: MaintenanceSettings;
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
  const { paths, files, crashPoints, clock, settings } = options;
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
  const tables = await openOrCreateTables({ paths, files, duckdb, crashPoints, clock });
  for (const table of Object.values(tables)) opened.defer(() => table.close());
  const reader = opened.adopt(await options.log.openReader(), (own) => own.close());
  const maintenance = createMaintenance({ tables, settings: options.maintenance, clock });
  opened.defer(() => maintenance.close());
  const tail = options.queryEngine === null ? undefined : createTailView(options.queryEngine);
  const ingest = await openIngestRunner({
    clock,
    onCommitted: () => maintenance.noteCommit(),
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
        onMaintenance: (found) => maintenance.noteProblem(found),
        ...handlers,
      }),
  });
  opened.defer(() => ingest.close());
  const gold = opened.adopt(
    openGoldTables({ directory: paths.gold, files, duckdb, crashPoints, clock }),
    (own) => own.close(),
  );
  const refreshing = opened.adopt(createGoldRefresh(options), (own) => own.close());
  const { modelsDirectory } = options;
  const { trace } = opened.adopt(
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
    trace,
    paths,
    gold,
    tables,
    log: reader,
    connection,
    ...(tail === undefined ? {} : { tail }),
  });
  opened.defer(() => reading.idle());
  const resources = opened.move();

  let closed: Promise<void> | undefined;
  const owner: LakeOwner = {
    ...reading,
    start: () => {
      ingest.start();
      return Promise.resolve();
    },
    catchUp: (onProgress) =>
      ingest.catchUp(({ records }, processed) => onProgress({ processed, inFlight: records })),
    state: () => ({ ...ingest.state(), maintenanceProblem: describeProblem(maintenance.problem()) }),
    planRefresh: (request) => refreshing.plan(request),
    refresh: (request, onProgress) => refreshing.refresh(request, onProgress),
    optimize: (table, given) => maintenance.optimize(table, given),
    vacuum: (table, given) => maintenance.vacuum(table, given),
    restore: (table, given) =>
      maintenance.exclusively(() =>
        ingest.rebase(
          () => planSilverRestore({ table, tables, reader, options: given }),
          (plan) => restoreSilver(tables.silver, plan),
        ),
      ),
    close: () => (closed ??= resources.disposeAsync()),
  };
  return { owner, lease };
}

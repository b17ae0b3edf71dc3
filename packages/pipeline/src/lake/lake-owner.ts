import { acquireLock, type CrashPoints, type FileSystem, type Lock } from '@clicklake/durable-files';
import type { Contract } from '@clicklake/contract';
import { isDeltaError } from '@clicklake/delta-lake';
import type { EventLog } from '@clicklake/event-log';
import { isClicklakeError } from '@clicklake/errors';
import type { QueryEngine } from '@clicklake/query';
import { openIngestSession, type CommittedGeneration, type IngestSession } from '../ingest/ingest-session.ts';
import type { IngestSettings } from '../ingest/ingest-settings.ts';
import type { LakePaths } from '../lake-paths.ts';
import type { IngestState, LakeOwner } from '../lake-service.ts';
import { createMaintenance } from '../maintenance/maintenance.ts';
import type { MaintenanceSettings } from '../maintenance/maintenance-settings.ts';
import { restoreSilver } from '../maintenance/restore-silver.ts';
import { openLakeDuckdb, utcConnection } from './duckdb.ts';
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
  await files.makeDirectory(paths.home);
  const lease = await acquireLock(paths.ingestLock, options.role, `the lake in ${paths.home}`);
  try {
    const duckdb = await openLakeDuckdb(paths.scratch, options.memoryLimitMb);
    const tables = await openOrCreateTables({ paths, files, duckdb, crashPoints, clock });
    const reader = await options.log.openReader();
    const connection = await utcConnection(duckdb);
    const tail = options.queryEngine === null ? undefined : createTailView(options.queryEngine);
    const maintenance = createMaintenance({ tables, settings: options.maintenance, clock });

    let commits = 0;
    let processedBefore = 0;
    let lastCommit: CommittedGeneration | undefined;
    let lastCommitAt = 0;
    let problem: unknown;
    let failed = false;
    const openSession = (): Promise<IngestSession> =>
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
        onCommitted(commit) {
          commits += 1;
          lastCommit = commit;
          lastCommitAt = clock();
          maintenance.noteCommit();
        },
        onMaintenanceProblem: (found) => maintenance.noteProblem(found),
        onProblem(found) {
          problem = found;
          return isHopeless(found) ? 'give-up' : 'retry';
        },
      });
    let session = await openSession();
    let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

    /** Runs the session, and another one where a damaged dedupe state has to be rebuilt from Silver. */
    const runSessions = async (signal: AbortSignal): Promise<void> => {
      for (;;) {
        try {
          return await session.loop.run(signal);
        } catch (error) {
          if (!isCorruptState(error)) throw error;
          processedBefore += session.loop.processed();
          await session.abandon();
          await tail?.clear();
          session = await openSession();
        }
      }
    };

    const start = (): void => {
      if (running !== undefined) return;
      const stop = new AbortController();
      failed = false;
      const done = runSessions(stop.signal).catch((error: unknown) => {
        // Kept for `state`, which every status shows: a failed ingest is never hidden.
        failed = true;
        problem = error;
      });
      running = { stop, done };
    };
    const pause = async (): Promise<void> => {
      if (running === undefined) return;
      running.stop.abort();
      await running.done;
      running = undefined;
    };

    const reading = lakeReading({
      paths,
      tables,
      log: reader,
      connection,
      ...(tail === undefined ? {} : { tail }),
    });

    const state = (): IngestState => ({
      phase: failed
        ? 'failed'
        : running === undefined
          ? 'stopped'
          : problem !== undefined
            ? 'stalled'
            : 'running',
      problem: describeIfAny(problem),
      maintenanceProblem: describeIfAny(maintenance.problem()),
      silverVersion: lastCommit?.silverVersion ?? 0,
      tailRows: session.loop.uncommitted().reduce((sum, generation) => sum + generation.silverRows, 0),
      processed: processedBefore + session.loop.processed(),
      lastCommit:
        lastCommit === undefined
          ? null
          : {
              at: new Date(lastCommitAt).toISOString(),
              version: lastCommit.silverVersion,
              rows: lastCommit.generation.silverRows,
              durationMs: Math.round(lastCommit.durationMs),
            },
      commits,
    });

    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await pause();
      await maintenance.close();
      await session.close();
      await reader.close();
      for (const table of Object.values(tables)) await table.close();
      connection.closeSync();
      duckdb.closeSync();
      await lease.release();
    };

    const owner: LakeOwner = {
      ...reading,
      start: () => {
        start();
        return Promise.resolve();
      },
      async catchUp(onProgress) {
        await session.loop.catchUp((intake) => {
          onProgress({ processed: session.loop.processed(), inFlight: intake.records });
        });
      },
      state,
      optimize: (table, given) => maintenance.optimize(table, given),
      vacuum: (table, given) => maintenance.vacuum(table, given),
      async restore(table, given) {
        const wasRunning = running !== undefined;
        await pause();
        await session.loop.flush();
        const before = session;
        await before.close();
        processedBefore += before.loop.processed();
        try {
          return await restoreSilver({ table, tables, reader, paths, options: given });
        } finally {
          session = await openSession();
          if (wasRunning) start();
        }
      },
      close: () => (closed ??= close()),
    };
    return { owner, lease };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

/** Whether a problem stays whatever time passes: another writer on our partitions, a damaged state. */
function isHopeless(problem: unknown): boolean {
  return isDeltaError(problem, 'delta-transaction-fenced') || isCorruptState(problem);
}

function describeIfAny(problem: unknown): ReturnType<typeof describeProblem> | null {
  return problem === undefined ? null : describeProblem(problem);
}

function describeProblem(problem: unknown): { code: string; message: string; hint: string } {
  if (isClicklakeError(problem)) return { code: problem.code, message: problem.message, hint: problem.hint };
  const message = problem instanceof Error ? problem.message : String(problem);
  return {
    code: 'ingest-failed',
    message,
    hint: 'Ingest tries again by itself; see the message for the cause.',
  };
}

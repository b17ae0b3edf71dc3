import { mkdir, rm } from 'node:fs/promises';
import type { Contract } from '@clicklake/contract';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { topicPartitions, type LogReader } from '@clicklake/event-log';
import type { DuckDBInstance } from '@duckdb/node-api';
import { utcConnection } from '../lake/duckdb.ts';
import { openLakeDedupe } from '../lake/lake-dedupe.ts';
import type { LakeTables } from '../lake/lake-tables.ts';
import type { TailView } from '../lake/tail-view.ts';
import type { LakePaths } from '../lake-paths.ts';
import { commitGeneration } from './commit-generation.ts';
import type { Generation } from './generation.ts';
import { createIngestLoop, type IngestLoop } from './ingest-loop.ts';
import type { IngestSettings } from './ingest-settings.ts';
import { recoverDedupe, recoverVerdicts } from './recover.ts';
import { advanceHorizon, oldestToCome, startHorizon } from './received-horizon.ts';
import { runTick } from './tick.ts';
import { coveredOffsets, coveredPositions } from './transaction-ids.ts';

export interface IngestSessionOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly duckdb: DuckDBInstance;
  readonly tables: LakeTables;
  readonly reader: LogReader;
  readonly contract: Contract;
  readonly settings: IngestSettings;
  readonly clock: () => number;
  /** Absent when nobody queries this process. */
  readonly tail: TailView | undefined;
  readonly onCommitted: (commit: CommittedGeneration) => void;
  /** A checkpoint or a log clean-up failed; the commit before it stands. */
  readonly onMaintenanceProblem: (problem: unknown) => void;
  readonly onProblem: (problem: unknown) => 'retry' | 'give-up';
}

export interface CommittedGeneration {
  readonly generation: Generation;
  readonly silverVersion: number;
  readonly durationMs: number;
}

/** Ingest from the moment where Silver stands: what a process start, or a restore of Silver, begins anew. */
export interface IngestSession {
  readonly loop: IngestLoop;
  /** Saves the dedupe state and lets go of everything; what is not committed is forgotten. Idempotent. */
  close(): Promise<void>;
  /** The same without saving: the dedupe state is damaged, and the next session rebuilds it. */
  abandon(): Promise<void>;
}

export const ingestGroup = 'ingest';

/** Recovers verdicts and dedupe state from the tables (S3.3, S4.1), then stands ready to read the log. */
export async function openIngestSession(options: IngestSessionOptions): Promise<IngestSession> {
  const { paths, files, crashPoints, duckdb, tables, reader, contract, settings, clock, tail } = options;
  const [tickConnection, commitConnection] = await Promise.all([
    utcConnection(duckdb),
    utcConnection(duckdb),
  ]);
  const silver = await tables.silver.snapshot();
  const deadLetters = await tables.dead_letters.snapshot();
  const dedupe = await openLakeDedupe(paths, files, crashPoints, settings);
  const [verdicts] = await Promise.all([
    recoverVerdicts(tickConnection, tables),
    recoverDedupe(commitConnection, tables, { ...dedupe, windowMs: settings.dedupeWindowMs }),
  ]);
  await rm(paths.scratch, { recursive: true, force: true });
  await mkdir(paths.scratch, { recursive: true });

  let horizon = startHorizon(topicPartitions['clickstream-events']);
  /** By generation: what may still come once it is committed. */
  const oldestReceived = new Map<number, number>();

  async function commit(generation: Generation): Promise<void> {
    const startedAt = performance.now();
    const silverVersion = await commitGeneration(
      {
        connection: commitConnection,
        tables,
        crashPoints,
        settings,
        onMaintenanceProblem: options.onMaintenanceProblem,
      },
      generation,
    );
    const durationMs = performance.now() - startedAt;
    // Durable from here on. What follows can be lost with the process and is made up for at the next start.
    await tail?.drop(generation.id);
    for (const table of generation.tables) await commitConnection.run(`DROP TABLE IF EXISTS ${table}`);
    await dedupe.index.save({ silverVersion, covered: generation.eventsEnd });
    await dedupe.index.expire((oldestReceived.get(generation.id) ?? 0) - settings.dedupeWindowMs);
    oldestReceived.delete(generation.id);
    await reader.commit(ingestGroup, {
      'clickstream-events': generation.eventsEnd,
      'clickstream-errors': [generation.errorsEnd],
    });
    options.onCommitted({ generation, silverVersion, durationMs });
  }

  const loop = createIngestLoop(
    reader,
    {
      async tick(generation, intake, tick) {
        const result = await runTick(
          {
            connection: tickConnection,
            contract,
            reader,
            dedupe: dedupe.index,
            dedupeSalt: dedupe.salt,
            verdicts,
            scratchDirectory: paths.scratch,
            settings,
          },
          generation,
          intake,
          tick,
        );
        horizon = advanceHorizon(horizon, intake);
        oldestReceived.set(generation.id, oldestToCome(horizon));
        return result;
      },
      publish: async (generation, rows) => tail?.append(generation.id, rows),
      commit,
      onProblem: options.onProblem,
    },
    settings,
    {
      events: coveredOffsets(silver.transactions, 'clickstream-events'),
      errors: coveredPositions(deadLetters.transactions).errors,
    },
    clock,
  );

  let closed: Promise<void> | undefined;
  const close = async (save: boolean): Promise<void> => {
    if (save) {
      const current = await tables.silver.snapshot();
      const covered = coveredOffsets(current.transactions, 'clickstream-events');
      await dedupe.index.save({ silverVersion: current.version, covered }, { force: true });
    }
    await dedupe.index.close();
    tickConnection.closeSync();
    commitConnection.closeSync();
  };
  return { loop, close: () => (closed ??= close(true)), abandon: () => (closed ??= close(false)) };
}

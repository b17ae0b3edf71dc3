import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contract } from '@clicklake/contract';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { topicPartitions, type LogReader } from '@clicklake/event-log';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { DedupeError, isCorruptState, type FoundEntry } from '../dedupe/index.ts';
import { utcConnection } from '../lake/duckdb.ts';
import { followRestore } from '../lake/duplicates-of-silver.ts';
import { openLakeDedupe, type LakeDedupe } from '../lake/lake-dedupe.ts';
import type { LakeTables } from '../lake/lake-tables.ts';
import type { TailView } from '../lake/tail-view.ts';
import type { LakePaths } from '../lake-paths.ts';
import { commitGeneration } from './commit-generation.ts';
import { hashOf } from './event-hashes.ts';
import type { Generation } from './generation.ts';
import { createIngestLoop, type IngestLoop } from './ingest-loop.ts';
import type { IngestSettings } from './ingest-settings.ts';
import { oldestToCome, startHorizon } from './received-horizon.ts';
import { loadEvents, recoverDedupe, recoverVerdicts } from './recover.ts';
import { discardParsed, parseIntake, type ParseDependencies, type ParsedIntake } from './parse-intake.ts';
import { parseLanes } from './read-ahead.ts';
import { createFindReplays } from './replay-places.ts';
import { createSilverStaging, type SilverStaging } from './stage-silver.ts';
import { runTick, type TickResult } from './tick.ts';
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
  /** A checkpoint, a log clean-up or the tail's table: the commit stands. Undefined: they went well. */
  readonly onMaintenance: (problem: unknown) => void;
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
  /** Silver's version at the start. */
  readonly silverVersion: number;
  /** What the dedupe index knows of an id; undefined when it cannot be asked: it is damaged, or closed. */
  findEvent(connection: DuckDBConnection, eventId: string): Promise<readonly FoundEntry[] | undefined>;
  /**
   * Lets go of everything; what is not committed is forgotten. Saves the dedupe state, or with `forget` makes
   * sure, durably, that there is none: the next session rebuilds it from Silver. Idempotent.
   */
  close(dedupe: 'save' | 'forget'): Promise<void>;
}

export const ingestGroup = 'ingest';

/** Recovers verdicts and dedupe state from the tables (S3.3, S4.1), then stands ready to read the log. */
export async function openIngestSession(options: IngestSessionOptions): Promise<IngestSession> {
  const { paths, files, crashPoints, duckdb, settings } = options;
  await using opened = new AsyncDisposableStack();
  const connect = async (): Promise<DuckDBConnection> =>
    opened.adopt(await utcConnection(duckdb), (connection) => connection.closeSync());
  const tickConnection = await connect();
  const commitConnection = await connect();
  const stagingConnections = [await connect(), await connect()] as const;
  const dedupe = await openLakeDedupe(paths, files, crashPoints, settings);
  opened.defer(() => dedupe.index.close());
  const lanes: ParseLane[] = [];
  for (let lane = 0; lane < parseLanes; lane += 1) {
    const scratchDirectory = join(paths.scratch, 'spool', String(lane));
    await mkdir(scratchDirectory, { recursive: true });
    opened.defer(() => removeFiles(scratchDirectory));
    lanes.push({ connection: await connect(), scratchDirectory });
  }
  const staging = createSilverStaging(options.tables.silver, stagingConnections, settings.parquetCompression);
  opened.defer(() => staging.idle());
  const session = await startSession(options, { lanes, tickConnection, commitConnection, staging, dedupe });
  const resources = opened.move();

  let closed: Promise<void> | undefined;
  const close = async (then: 'save' | 'forget'): Promise<void> => {
    try {
      if (then === 'forget') await dedupe.index.clear();
      else await session.saveDedupe();
    } finally {
      await resources.disposeAsync();
    }
  };
  return {
    loop: session.loop,
    silverVersion: session.silverVersion,
    findEvent: session.findEvent,
    close: (then) => (closed ??= close(then)),
  };
}

type ParseLane = Pick<ParseDependencies, 'connection' | 'scratchDirectory'>;

interface SessionParts {
  /** As many as `parseLanes`. */
  readonly lanes: readonly ParseLane[];
  readonly tickConnection: DuckDBConnection;
  readonly commitConnection: DuckDBConnection;
  readonly staging: SilverStaging;
  readonly dedupe: LakeDedupe;
}

async function startSession(
  options: IngestSessionOptions,
  { lanes, tickConnection, commitConnection, staging, dedupe }: SessionParts,
): Promise<Omit<IngestSession, 'close'> & { saveDedupe(): Promise<void> }> {
  const { crashPoints, tables, reader, contract, settings, clock, tail } = options;
  const { index, salt } = dedupe;
  await followRestore(tables);
  const silver = await tables.silver.snapshot();
  const deadLetters = await tables.dead_letters.snapshot();
  const verdicts = await recoverVerdicts(tickConnection, tables);
  const rebuild = (state: LakeDedupe['state']): Promise<void> =>
    recoverDedupe(commitConnection, tables, { index, salt, state, windowMs: settings.dedupeWindowMs });
  await rebuild(dedupe.state);

  const parsing = { contract, dedupeSalt: salt, verdicts };
  const findReplays = createFindReplays(tickConnection, tables.silver, () => loop.uncommitted());
  const tickDependencies = {
    connection: tickConnection,
    reader,
    dedupe: index,
    verdicts,
    settings,
    findReplays,
  };
  /** Every attempt has a table of its own. */
  let parses = 0;
  /** The index may lack entries: it is neither asked nor saved before it has been rebuilt. */
  let damaged = false;

  async function rebuildDamaged(): Promise<void> {
    // A commit meanwhile moves rows from the tail to Silver, and they must be found in one of the two.
    await loop.commitsEnded();
    await rebuild(undefined);
    for (const { silverSelects } of loop.uncommitted()) {
      for (const select of silverSelects) await loadEvents(commitConnection, index, salt, select);
    }
    damaged = false;
  }

  async function tick(generation: Generation, parsed: ParsedIntake, nowMs: number): Promise<TickResult> {
    if (damaged) await rebuildDamaged();
    try {
      return await runTick(tickDependencies, generation, parsed, nowMs);
    } catch (error) {
      if (!isCorruptState(error)) throw error;
      damaged = true;
    }
    await rebuildDamaged();
    return runTick(tickDependencies, generation, parsed, nowMs);
  }

  async function saveDedupe(generation: Generation, silverVersion: number): Promise<void> {
    try {
      await index.save({ silverVersion, covered: generation.eventsEnd });
      await index.expire(oldestToCome(generation.horizon) - settings.dedupeWindowMs);
    } catch (error) {
      if (!isCorruptState(error)) throw error;
      damaged = true;
    }
  }

  async function commit(generation: Generation): Promise<void> {
    const startedAt = performance.now();
    const silverVersion = await commitGeneration(
      {
        connection: commitConnection,
        tables,
        crashPoints,
        stageSilver: (of) => staging.take(of),
        onMaintenance: options.onMaintenance,
      },
      generation,
    );
    const durationMs = performance.now() - startedAt;
    await staging.drop(generation);
    // Durable from here on. What follows can be lost with the process and is made up for at the next start.
    tail?.drop(generation.id, options.onMaintenance);
    if (!damaged) await saveDedupe(generation, silverVersion);
    await reader.commit(ingestGroup, {
      'clickstream-events': generation.eventsEnd,
      'clickstream-errors': [generation.errorsEnd],
    });
    for (const table of generation.tables) await commitConnection.run(`DROP TABLE IF EXISTS ${table}`);
    options.onCommitted({ generation, silverVersion, durationMs });
  }

  const loop = createIngestLoop(
    reader,
    {
      parse: (intake, lane) =>
        parseIntake({ ...parsing, ...laneOf(lanes, lane) }, intake, `tick_${(parses += 1)}`),
      discard: (parsed) => discardParsed(tickConnection, parsed),
      tick,
      publish: async (generation, rows) => tail?.append(generation.id, rows),
      stage: (generation) => staging.start(generation),
      commit,
      onProblem: options.onProblem,
    },
    settings,
    {
      id: 1,
      eventsEnd: coveredOffsets(silver.transactions, 'clickstream-events'),
      errorsEnd: coveredPositions(deadLetters.transactions).errors,
      horizon: startHorizon(topicPartitions['clickstream-events']),
    },
    clock,
  );

  return {
    loop,
    silverVersion: silver.version,
    async findEvent(connection, eventId) {
      if (damaged) return undefined;
      const hash = await hashOf(connection, salt, eventId);
      try {
        return await index.find(hash);
      } catch (error) {
        if (!(error instanceof DedupeError)) throw error;
        if (isCorruptState(error)) damaged = true;
        return undefined;
      }
    },
    async saveDedupe() {
      if (damaged) return;
      const { version, transactions } = await tables.silver.snapshot();
      const covered = coveredOffsets(transactions, 'clickstream-events');
      // Only spares the next start some work: that rolls an older state forward (S3.3).
      await index.save({ silverVersion: version, covered }, { force: true }).catch(() => undefined);
    },
  };
}

/** Events of people lie in them. The directory stays: who slipped past the lease may be using it, or have deleted it. */
async function removeFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => []))
    await rm(join(directory, name), { force: true });
}

function laneOf(lanes: readonly ParseLane[], lane: number): ParseLane {
  const found = lanes[lane];
  if (found === undefined) throw new Error(`There is no lane ${lane} to parse in.`);
  return found;
}

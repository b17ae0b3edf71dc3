import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type CrashPoints, noCrashPoints } from '@clicklake/durable-files';
import type { PartitionValues } from './actions.ts';
import { writeCheckpoint, type WrittenCheckpoint } from './checkpoint-write.ts';
import type { CommitRequest } from './commit.ts';
import { type TableDefinition, writeFirstVersion } from './create-table.ts';
import { type HistoryEntry, readHistory } from './history.ts';
import { removeExpiredLog } from './log-cleanup.ts';
import type { ObjectStore } from './object-store.ts';
import { type ParquetOptions, type StagedFile, stageParquet } from './stage-parquet.ts';
import { type CommittedVersion, openTableLog } from './table-log.ts';
import type { Snapshot } from './table-state.ts';

export interface TableOptions {
  /** Reads and writes the table's Parquet: data files and checkpoints. */
  readonly duckdb: DuckDBInstance;
  readonly crashPoints?: CrashPoints;
  /** Milliseconds since the epoch; the machine's clock by default. */
  readonly clock?: () => number;
  /** Who writes, as histories show it. */
  readonly engineInfo?: string;
}

export interface CommitResult extends CommittedVersion {
  /** The checkpoint that was due after this commit, when it was. */
  readonly checkpoint?: WrittenCheckpoint;
  /**
   * Why the checkpoint or the clean-up that was due failed. The commit stands; the next one tries again.
   */
  readonly maintenanceError?: unknown;
}

/** How an append or a replacement is committed, beyond its rows. */
export interface WriteOptions extends ParquetOptions {
  readonly connection?: DuckDBConnection;
  readonly transactions?: CommitRequest['transactions'];
  readonly expectedTransactions?: CommitRequest['expectedTransactions'];
  readonly userMetadata?: string;
}

/** A handle on one table; see README.md. Any number may be open on one table, in any process. */
export interface DeltaTable {
  readonly store: ObjectStore;
  /** The newest version, after a look at the log. Never changes once given out. */
  snapshot(): Promise<Snapshot>;
  /** Writes rows durably, for a later `commit`. Uses the given connection, for its temporary tables say. */
  stage(
    select: string,
    options?: ParquetOptions & { readonly connection?: DuckDBConnection },
  ): Promise<readonly StagedFile[]>;
  /** Commits, or throws the conflict; see `CommitRequest`. Writes a checkpoint and cleans the log when due. */
  commit(request: CommitRequest): Promise<CommitResult>;
  /** Stages the rows of a SELECT and commits them. */
  append(select: string, options?: WriteOptions): Promise<CommitResult>;
  /** Replaces every row of the named partitions by the rows of a SELECT, which must lie in them. */
  replaceWhere(
    partitions: readonly PartitionValues[],
    select: string,
    options?: WriteOptions,
  ): Promise<CommitResult>;
  /** Newest first. */
  history(limit?: number): Promise<readonly HistoryEntry[]>;
  checkpoint(): Promise<WrittenCheckpoint>;
  /** Removes log entries past `delta.logRetentionDuration`; returns their keys. */
  cleanUpLog(): Promise<readonly string[]>;
  /** Idempotent. Leaves the DuckDB instance open: it is the caller's. */
  close(): Promise<void>;
}

const defaultEngineInfo = 'clicklake-delta-lake/0.1.0';

/** @throws DeltaError `delta-table-exists`, `delta-unsupported-schema`, `delta-invalid-argument`. */
export async function createTable(
  store: ObjectStore,
  definition: TableDefinition,
  options: TableOptions,
): Promise<DeltaTable> {
  const now = (options.clock ?? Date.now)();
  await writeFirstVersion(store, definition, { now, engineInfo: options.engineInfo ?? defaultEngineInfo });
  return await openTable(store, options);
}

/** @throws DeltaError `delta-table-not-found`, `delta-log-gap`, `delta-log-corrupt`, `delta-unsupported-reader`. */
export async function openTable(store: ObjectStore, options: TableOptions): Promise<DeltaTable> {
  const { duckdb, crashPoints = noCrashPoints, clock = Date.now, engineInfo = defaultEngineInfo } = options;
  let opened: Promise<DuckDBConnection> | undefined;
  const connect = (): Promise<DuckDBConnection> => (opened ??= utcConnection(duckdb));
  const log = await openTableLog({ store, connect, crashPoints, clock, engineInfo });

  const stage: DeltaTable['stage'] = async (select, stageOptions = {}) => {
    const connection = stageOptions.connection ?? (await connect());
    const files = await stageParquet(store, connection, log.current(), select, stageOptions);
    crashPoints.reach('delta-parquet-written');
    return files;
  };
  const checkpoint = async (): Promise<WrittenCheckpoint> => {
    const written = await writeCheckpoint(store, await connect(), log.current(), clock(), crashPoints);
    log.noteCheckpoint(written.version);
    return written;
  };
  const cleanUpLog = (): Promise<readonly string[]> =>
    removeExpiredLog(store, log.current().properties.logRetentionMs, clock(), crashPoints);

  const commit: DeltaTable['commit'] = async (request) => {
    const committed = await log.commit(request, undefined);
    return committed;
  };
  return {
    store,
    snapshot: () => log.refresh(),
    stage,
    commit,
    async append(select, writeOptions = {}) {
      const adds = await stage(select, writeOptions);
      return await commit({
        operation: 'WRITE',
        operationParameters: { mode: 'Append' },
        adds,
        ...commitOptions(writeOptions),
      });
    },
    replaceWhere: () => Promise.reject(new Error('later')),
    history: async (limit = 100) => readHistory(store, (await log.refresh()).version, limit),
    checkpoint,
    cleanUpLog,
    async close() {
      const connection = await opened;
      opened = undefined;
      connection?.closeSync();
    },
  };
}

function commitOptions(
  options: WriteOptions,
): Pick<CommitRequest, 'transactions' | 'expectedTransactions' | 'userMetadata'> {
  return {
    ...(options.transactions === undefined ? {} : { transactions: options.transactions }),
    ...(options.expectedTransactions === undefined
      ? {}
      : { expectedTransactions: options.expectedTransactions }),
    ...(options.userMetadata === undefined ? {} : { userMetadata: options.userMetadata }),
  };
}

/** Texts of timestamps in statistics and partition values are UTC whatever the machine's zone. */
async function utcConnection(duckdb: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await duckdb.connect();
  await connection.run("SET TimeZone = 'UTC'");
  return connection;
}

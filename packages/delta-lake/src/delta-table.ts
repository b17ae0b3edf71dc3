import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type CrashPoints, noCrashPoints } from '@clicklake/durable-files';
import type { PartitionValues } from './log/actions.ts';
import { addColumns, setProperties } from './operations/alter-table.ts';
import { writeCheckpoint, type WrittenCheckpoint } from './log/checkpoint-write.ts';
import type { CommitRequest } from './log/commit.ts';
import { type TableDefinition, writeFirstVersion } from './operations/create-table.ts';
import { describeTable, type TableDetail } from './operations/detail.ts';
import { type CommitEntry, type HistoryEntry, readCommit, readHistory } from './operations/history.ts';
import { removeExpiredLog } from './log/log-cleanup.ts';
import { maintenanceAfterCommit } from './log/maintenance.ts';
import type { ObjectStore } from './store/object-store.ts';
import { type OptimizeOptions, type OptimizeResult, optimizeTable } from './operations/optimize.ts';
import { restoreTable, type RestoreOptions, type RestoreResult } from './operations/restore.ts';
import { serializeSchema, type StructField, type StructType } from './schema/schema.ts';
import { type StagedFile, stageParquet } from './data-files/stage-parquet.ts';
import type { CommitResult, StageOptions, TableContext } from './table-context.ts';
import { openTableLog } from './log/table-log.ts';
import type { Snapshot, SnapshotHeader } from './log/table-state.ts';
import { readChanges, type TableChanges } from './operations/table-changes.ts';
import { loadVersion, type VersionReference } from './operations/time-travel.ts';
import { type VacuumOptions, type VacuumResult, vacuumTable } from './operations/vacuum.ts';
import {
  appendRows,
  replacePartitions,
  type PartitionSelect,
  type ReplaceOptions,
  type WriteOptions,
} from './operations/write-rows.ts';

export interface TableOptions {
  /** Reads and writes the table's Parquet: data files and checkpoints. */
  readonly duckdb: DuckDBInstance;
  readonly crashPoints?: CrashPoints;
  /** Milliseconds since the epoch; the machine's clock by default. */
  readonly clock?: () => number;
  /** Who writes, as histories show it. */
  readonly engineInfo?: string;
}

/**
 * A handle on one table; README.md shows its use. Any number may be open on one table, in any process: their
 * commits are ordered by the log. Every SELECT given to it is SQL text of the caller's own making.
 */
export interface DeltaTable {
  readonly store: ObjectStore;
  /** The newest version, after a look at the log. Never changes once given out. */
  snapshot(): Promise<Snapshot>;
  /** @throws DeltaError `delta-version-not-found` outside of the retained log. */
  snapshotAt(reference: VersionReference): Promise<Snapshot>;
  /** Writes the rows of a SELECT durably, outside of any version, for a later `commit`. */
  stage(select: string, options?: StageOptions): Promise<readonly StagedFile[]>;
  /**
   * Commits, or throws the conflict (see `CommitRequest`, `ReadScope`). Then writes a checkpoint and cleans the
   * log when due; what goes wrong there is in the result.
   */
  commit(request: CommitRequest): Promise<CommitResult>;
  /** Stages the rows of a SELECT and commits them. */
  append(select: string, options?: WriteOptions): Promise<CommitResult>;
  /**
   * Replaces every row of the named partitions by the rows of a SELECT, which must lie in them, or of several that
   * are run one after another, each of one partition when it says so. `[{}]` is the whole table.
   */
  replaceWhere(
    partitions: readonly PartitionValues[],
    select: string | readonly (string | PartitionSelect)[],
    options?: ReplaceOptions,
  ): Promise<CommitResult>;
  /** Deletes every row of the named partitions; no data file is read. */
  deletePartitions(partitions: readonly PartitionValues[], options?: WriteOptions): Promise<CommitResult>;
  /** Adds nullable columns at the end of the schema. */
  addColumns(columns: readonly StructField[]): Promise<CommitResult>;
  /** Sets table properties; null unsets. */
  setProperties(properties: Readonly<Record<string, string | null>>): Promise<CommitResult>;
  /** Where rows changed after version `from`, up to `to`; undefined when the log does not hold all of it any more. */
  changes(from: number, to: number): Promise<TableChanges | undefined>;
  /** Newest first; 100 by default. */
  history(limit?: number): Promise<readonly HistoryEntry[]>;
  /** What one version did; undefined when the log does not hold it (any more). */
  commitEntry(version: number): Promise<CommitEntry | undefined>;
  detail(): Promise<TableDetail>;
  optimize(options?: OptimizeOptions): Promise<OptimizeResult>;
  vacuum(options?: VacuumOptions): Promise<VacuumResult>;
  restore(reference: VersionReference, options?: RestoreOptions): Promise<RestoreResult>;
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
  const connection = lazyConnection(options.duckdb);
  const context = await openContext(store, connection.connect, options);
  const { log, clock, crashPoints, connect } = context.table;
  return {
    store,
    snapshot: () => log.refresh(),
    snapshotAt: (reference) => loadVersion({ store, connect }, reference),
    stage: (select, stageOptions = {}) => context.table.stage(select, stageOptions),
    commit: context.table.commit,
    append: (select, writeOptions = {}) => appendRows(context.table, select, writeOptions),
    replaceWhere: (partitions, select, writeOptions = {}) =>
      replacePartitions(context.table, partitions, select, writeOptions),
    deletePartitions: (partitions, writeOptions = {}) =>
      replacePartitions(context.table, partitions, undefined, writeOptions),
    addColumns: (columns) => addColumns(context.table, columns),
    setProperties: (properties) => setProperties(context.table, properties),
    changes: (from, to) => readChanges(store, from, to),
    history: async (limit = 100) => readHistory(store, (await log.refresh()).version, limit),
    commitEntry: (version) => readCommit(store, version),
    detail: async () => describeTable(await log.refresh()),
    optimize: (optimizeOptions = {}) => optimizeTable(context.table, optimizeOptions),
    vacuum: (vacuumOptions = {}) => vacuumTable(context.table, vacuumOptions),
    restore: (reference, restoreOptions = {}) => restoreTable(context.table, reference, restoreOptions),
    checkpoint: async () => {
      await log.refresh();
      return await context.checkpoint();
    },
    cleanUpLog: () => removeExpiredLog(store, log.header().properties.logRetentionMs, clock(), crashPoints),
    close: connection.close,
  };
}

interface OpenedContext {
  readonly table: TableContext;
  readonly checkpoint: () => Promise<WrittenCheckpoint>;
}

async function openContext(
  store: ObjectStore,
  connect: () => Promise<DuckDBConnection>,
  options: TableOptions,
): Promise<OpenedContext> {
  const { crashPoints = noCrashPoints, clock = Date.now, engineInfo = defaultEngineInfo } = options;
  const log = await openTableLog({ store, connect, crashPoints, clock, engineInfo });
  const checkpoint = async (): Promise<WrittenCheckpoint> => {
    const now = clock();
    const written = await writeCheckpoint(store, await connect(), log.current(), now, crashPoints);
    log.noteCheckpoint(written.version, now);
    return written;
  };
  const maintain = maintenanceAfterCommit(log, {
    checkpoint,
    cleanUpLog: () => removeExpiredLog(store, log.header().properties.logRetentionMs, clock(), crashPoints),
  });
  const table: TableContext = {
    store,
    log,
    crashPoints,
    clock,
    connect,
    async stage(select, stageOptions) {
      const files = await stageParquet(
        store,
        stageOptions.connection ?? (await connect()),
        stageOptions.schema === undefined ? log.header() : withSchema(log.header(), stageOptions.schema),
        select,
        stageOptions,
      );
      crashPoints.reach('delta-parquet-written');
      return files;
    },
    async commit(request) {
      return { ...(await log.commit(request)), ...(await maintain()) };
    },
  };
  return { table, checkpoint };
}

function withSchema(header: SnapshotHeader, schema: StructType): SnapshotHeader {
  return { ...header, schema, metadata: { ...header.metadata, schemaString: serializeSchema(schema) } };
}

/** One connection per handle, opened when first needed: most handles of a process never read Parquet. */
function lazyConnection(duckdb: DuckDBInstance): {
  connect: () => Promise<DuckDBConnection>;
  close: () => Promise<void>;
} {
  let opened: Promise<DuckDBConnection> | undefined;
  const open = async (): Promise<DuckDBConnection> => {
    const connection = await duckdb.connect();
    // Texts of timestamps in statistics and partition values are UTC whatever the machine's zone.
    await connection.run("SET TimeZone = 'UTC'");
    return connection;
  };
  return {
    connect: () => (opened ??= open()),
    async close() {
      const connection = await opened;
      opened = undefined;
      connection?.closeSync();
    },
  };
}

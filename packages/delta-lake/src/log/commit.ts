import type { AddFile, CommitInfo, LogEntry, Metadata, PartitionValues, RemoveFile } from './actions.ts';
import { findConflict, type CommitFootprint, type ReadScope } from './conflict-check.ts';
import { DeltaError } from '../delta-error.ts';
import { requireWritable } from './protocol.ts';
import { parseSchema } from '../schema/schema.ts';
import { recordCount } from '../data-files/statistics.ts';
import type { Snapshot } from './table-state.ts';

/** What to commit, as the caller says it: data only, nothing is written before it is judged. */
export interface CommitRequest {
  /** As Spark names it: `WRITE`, `OPTIMIZE`, … */
  readonly operation: string;
  readonly operationParameters?: Readonly<Record<string, unknown>>;
  readonly operationMetrics?: Readonly<Record<string, unknown>>;
  readonly userMetadata?: string;
  readonly adds?: readonly AddFile[];
  /** Live files to take away. */
  readonly removes?: readonly AddFile[];
  /** False: the rows stay the same (OPTIMIZE). True by default. */
  readonly dataChange?: boolean;
  /** At most one version per appId. */
  readonly transactions?: readonly { readonly appId: string; readonly version: bigint }[];
  /** What the caller believes the table's transactions to be; undefined: there is none yet. */
  readonly expectedTransactions?: ReadonlyMap<string, bigint | undefined>;
  readonly metadata?: Metadata;
  /** What the content depends on. `nothing` by default, which suits appends. */
  readonly reads?: ReadScope;
  /**
   * Version that the content was computed from: every later one is judged for conflicts. The newest known by
   * default, which suits content that depends on nothing.
   */
  readonly readVersion?: number;
}

export interface PreparedCommit {
  readonly entry: LogEntry;
  readonly footprint: CommitFootprint;
}

/**
 * Turns a request into a log entry and what it can collide with. Pure: everything that can be refused without
 * asking the store is refused here.
 *
 * @param snapshot the newest one known, from which the commit follows.
 * @param context `now` in milliseconds since the epoch; `txnId` unique, so that the entry's bytes are too.
 */
export function prepareCommit(
  snapshot: Snapshot,
  request: CommitRequest,
  context: { readonly now: number; readonly txnId: string; readonly engineInfo: string },
): PreparedCommit {
  requireWritable(snapshot.protocol, snapshot.metadata, snapshot.schema);
  if (request.metadata !== undefined)
    requireWritable(snapshot.protocol, request.metadata, parseSchema(request.metadata.schemaString));
  const { adds = [], removes = [], transactions = [], dataChange = true } = request;
  requireLegal(snapshot, request);
  const reads = request.reads ?? { kind: 'nothing' };
  const info: CommitInfo = {
    timestamp: context.now,
    operation: request.operation,
    operationParameters: parameterTexts(request.operationParameters ?? {}),
    operationMetrics: metricTexts(request.operationMetrics ?? fileMetrics(adds, removes)),
    engineInfo: context.engineInfo,
    isBlindAppend: reads.kind === 'nothing' && removes.length === 0 && request.metadata === undefined,
    readVersion: request.readVersion ?? snapshot.version,
    txnId: context.txnId,
    userMetadata: request.userMetadata ?? null,
  };
  const entry: LogEntry = {
    commitInfo: info,
    protocol: undefined,
    metadata: request.metadata,
    // Readers that expire transactions need lastUpdated (delta-protocol, "Actions").
    transactions: transactions.map((txn) => ({ ...txn, lastUpdated: context.now })),
    adds: adds.map((add) => (add.dataChange === dataChange ? add : { ...add, dataChange })),
    removes: removes.map((file) => tombstoneOf(file, context.now, dataChange)),
  };
  return { entry, footprint: footprintOf(entry, reads, request.expectedTransactions) };
}

export function tombstoneOf(file: AddFile, now: number, dataChange: boolean): RemoveFile {
  return {
    path: file.path,
    deletionTimestamp: now,
    dataChange,
    partitionValues: file.partitionValues,
    size: file.size,
  };
}

function footprintOf(
  entry: LogEntry,
  reads: ReadScope,
  expected: ReadonlyMap<string, bigint | undefined> | undefined,
): CommitFootprint {
  return {
    reads,
    removedPaths: new Set(entry.removes.map((file) => file.path)),
    appIds: new Set([...entry.transactions.map((txn) => txn.appId), ...(expected?.keys() ?? [])]),
    changesMetadata: entry.metadata !== undefined,
  };
}

function requireLegal(snapshot: Snapshot, request: CommitRequest): void {
  const { adds = [], removes = [], transactions = [], dataChange = true } = request;
  if (removes.length > 0 && dataChange && snapshot.properties.appendOnly) {
    throw new DeltaError({
      code: 'delta-append-only',
      message: 'The table is append-only (delta.appendOnly): no row of it may be deleted or replaced.',
      hint: 'Set delta.appendOnly to false first.',
    });
  }
  const paths = [...adds, ...removes].map((file) => file.path);
  if (new Set(paths).size !== paths.length) throw invalid('a file is added or removed twice in one commit');
  const appIds = transactions.map((txn) => txn.appId);
  if (new Set(appIds).size !== appIds.length) throw invalid('an appId has two transactions in one commit');
  for (const file of removes) {
    if (snapshot.files.has(file.path)) continue;
    throw new DeltaError({
      code: 'delta-concurrent-delete',
      message: `${file.path} is not in version ${snapshot.version}, so it cannot be removed from it.`,
      hint: 'Start the operation again from the newest version.',
      retryable: true,
    });
  }
  for (const [appId, version] of request.expectedTransactions ?? []) {
    const found = snapshot.transactions.get(appId);
    if (found === version) continue;
    throw new DeltaError({
      code: 'delta-transaction-fenced',
      message: `The transaction ${appId} stands at ${found?.toString() ?? 'nothing'}, not at ${version?.toString() ?? 'nothing'}.`,
      hint: 'Another process writes for the same appId: drop this batch and go on from its transaction.',
      details: { appId, found: found?.toString(), expected: version?.toString() },
    });
  }
  for (const file of adds) requirePartitionValues(file.partitionValues, snapshot.metadata.partitionColumns);
}

function requirePartitionValues(values: PartitionValues, partitionColumns: readonly string[]): void {
  const names = Object.keys(values);
  if (names.length === partitionColumns.length && names.every((name) => partitionColumns.includes(name)))
    return;
  throw invalid(`a file's partition values (${names.join(', ')}) are not for the table's partition columns`);
}

/** @throws the conflict, when the version that got there first rules ours out. */
export function requireNoConflict(prepared: PreparedCommit, winner: LogEntry, version: number): void {
  const conflict = findConflict(prepared.footprint, winner, version);
  if (conflict !== undefined) throw conflict;
}

/** Spark's names for what a write did. */
function fileMetrics(adds: readonly AddFile[], removes: readonly AddFile[]): Record<string, number> {
  return {
    numFiles: adds.length,
    numOutputBytes: adds.reduce((sum, file) => sum + file.size, 0),
    numOutputRows: adds.reduce((sum, file) => sum + (recordCount(file.stats) ?? 0), 0),
    ...(removes.length === 0 ? {} : { numRemovedFiles: removes.length }),
  };
}

/** Spark reads operationParameters as a map of JSON texts. */
function parameterTexts(parameters: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

/** Spark reads operationMetrics as a map of strings. */
function metricTexts(metrics: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metrics).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? value.toString() : String(value as string | number),
    ]),
  );
}

function invalid(what: string): DeltaError {
  return new DeltaError({
    code: 'delta-invalid-argument',
    message: `This commit is not legal: ${what}.`,
    hint: 'This is an error of the calling program.',
  });
}

import type { AddFile, LogEntry, Metadata, Protocol, RemoveFile } from './actions.ts';
import { DeltaError } from '../delta-error.ts';
import { requireReadable } from './protocol.ts';
import { parseSchema, type StructType } from '../schema/schema.ts';
import { parseTableProperties, type TableProperties } from './table-properties.ts';

/**
 * A table at one version: what log replay yields (PROTOCOL, "Action Reconciliation"). A `Snapshot` never
 * changes; the handle advances its own copy and copies only when it has given one out.
 */
export interface Snapshot extends SnapshotHeader {
  /** Live files by path. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** Removed files by path, until a checkpoint drops the expired ones. */
  readonly tombstones: ReadonlyMap<string, RemoveFile>;
  /** The high-water mark of each application (`txn`). */
  readonly transactions: ReadonlyMap<string, bigint>;
  /** When each `txn` was written, milliseconds since the epoch; absent when its writer did not say. */
  readonly transactionTimes: ReadonlyMap<string, number>;
}

/** What a snapshot is, without what is in it. */
export interface SnapshotHeader {
  readonly version: number;
  /** When the version was committed, milliseconds since the epoch. */
  readonly timestamp: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: StructType;
  readonly properties: TableProperties;
}

/** A snapshot in the making: the same maps, writable. */
export interface TableState extends Snapshot {
  readonly files: Map<string, AddFile>;
  readonly tombstones: Map<string, RemoveFile>;
  readonly transactions: Map<string, bigint>;
  readonly transactionTimes: Map<string, number>;
}

/** The state that a checkpoint's rows, or entry 0, begin with. */
export function stateFromEntry(version: number, timestamp: number, entry: LogEntry): TableState {
  if (entry.protocol === undefined || entry.metadata === undefined) {
    throw new DeltaError({
      code: 'delta-log-corrupt',
      message: `Version ${version} has no protocol or no metaData action to start from.`,
      hint: 'Restore the log from a backup.',
      details: { version },
    });
  }
  const state: TableState = {
    ...describe(version, timestamp, entry.protocol, entry.metadata),
    files: new Map(),
    tombstones: new Map(),
    transactions: new Map(),
    transactionTimes: new Map(),
  };
  applyFiles(state, entry);
  return state;
}

/** The next version, in the same maps: the given state is used up. */
export function advanceState(
  state: TableState,
  version: number,
  timestamp: number,
  entry: LogEntry,
): TableState {
  const changed = entry.protocol !== undefined || entry.metadata !== undefined;
  const { files, tombstones, transactions, transactionTimes } = state;
  const header = changed
    ? describe(version, timestamp, entry.protocol ?? state.protocol, entry.metadata ?? state.metadata)
    : { ...state, version, timestamp };
  const next: TableState = { ...header, files, tombstones, transactions, transactionTimes };
  applyFiles(next, entry);
  return next;
}

/** A copy that may be advanced without the original noticing. */
export function copyState(state: TableState): TableState {
  return {
    ...state,
    files: new Map(state.files),
    tombstones: new Map(state.tombstones),
    transactions: new Map(state.transactions),
    transactionTimes: new Map(state.transactionTimes),
  };
}

/** Whether a tombstone has outlived its retention: checkpoints leave it out, VACUUM may take its file. */
export function isExpired(deletionTimestamp: number, retentionMs: number, now: number): boolean {
  return deletionTimestamp + retentionMs < now;
}

function describe(
  version: number,
  timestamp: number,
  protocol: Protocol,
  metadata: Metadata,
): SnapshotHeader {
  // Before the schema, which may not even parse, the protocol says why.
  requireReadable(protocol, metadata);
  const schema = parseSchema(metadata.schemaString);
  return {
    version,
    timestamp,
    protocol,
    metadata,
    schema,
    properties: parseTableProperties(metadata.configuration),
  };
}

function applyFiles(state: TableState, entry: LogEntry): void {
  for (const remove of entry.removes) {
    state.files.delete(remove.path);
    state.tombstones.set(remove.path, remove);
  }
  for (const add of entry.adds) {
    // A file may be added again (RESTORE, recomputed statistics): it then moves to the end, as it was committed.
    state.files.delete(add.path);
    state.tombstones.delete(add.path);
    state.files.set(add.path, add);
  }
  for (const txn of entry.transactions) {
    state.transactions.set(txn.appId, txn.version);
    if (txn.lastUpdated === null) state.transactionTimes.delete(txn.appId);
    else state.transactionTimes.set(txn.appId, txn.lastUpdated);
  }
}

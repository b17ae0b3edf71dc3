import type { DuckDBConnection } from '@duckdb/node-api';
import type { LogEntry } from './actions.ts';
import { readCheckpoint } from './checkpoint-read.ts';
import { DeltaError, isDeltaError } from '../delta-error.ts';
import { parseLogEntry } from './log-entry.ts';
import { type CheckpointParts, entryKey, lastCheckpointKey, listLog, type LogListing } from './log-files.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { advanceState, stateFromEntry, type TableState } from './table-state.ts';

/** Where a table's log is read from, and with what its checkpoints are. */
export interface LogSource {
  readonly store: ObjectStore;
  readonly connect: () => Promise<DuckDBConnection>;
}

/** @returns undefined when the version does not exist (yet, or any more). */
export async function readEntry(store: ObjectStore, version: number): Promise<LogEntry | undefined> {
  let bytes: Buffer;
  try {
    bytes = await store.get(entryKey(version));
  } catch (error) {
    if (isDeltaError(error, 'store-not-found')) return undefined;
    throw error;
  }
  return parseLogEntry(bytes, `The log entry of version ${version}`);
}

export interface LoadedState {
  readonly state: TableState;
  /** Version of the newest checkpoint seen; -1 when there is none. */
  readonly checkpointVersion: number;
}

/**
 * Replays the log: the newest readable checkpoint, then the entries after it (PROTOCOL, "Reading"). A
 * checkpoint is only a shortcut: one that is gone or broken is passed over for the one before it.
 *
 * @param wanted the version to load; undefined for the newest.
 * @throws DeltaError `delta-table-not-found`, `delta-version-not-found`, `delta-log-gap`,
 *   `delta-log-corrupt`, `delta-unsupported-reader`.
 */
export async function loadState(source: LogSource, wanted?: number): Promise<LoadedState> {
  const hint = await readLastCheckpoint(source.store);
  if (hint !== undefined && (wanted === undefined || hint <= wanted)) {
    // The listing starts at the hint, so that its cost does not grow with the age of the log.
    const recent = await listLog(source.store, hint);
    const loaded = await loadFromListing(source, recent, wanted, () => undefined);
    if (loaded !== undefined) return loaded;
  }
  const listing = await listLog(source.store);
  const failures: unknown[] = [];
  const loaded = await loadFromListing(source, listing, wanted, (error) => failures.push(error));
  if (loaded !== undefined) return loaded;
  throw unloadable(listing, wanted, failures);
}

async function loadFromListing(
  source: LogSource,
  listing: LogListing,
  wanted: number | undefined,
  onBrokenCheckpoint: (error: unknown) => void,
): Promise<LoadedState | undefined> {
  const newest = listing.entries.at(-1)?.version ?? listing.checkpoints.at(-1)?.version;
  const target = wanted ?? newest;
  if (newest === undefined || target === undefined || target > newest) return undefined;
  for (const checkpoint of listing.checkpoints.toReversed()) {
    if (checkpoint.version > target) continue;
    const start = await readStart(source, checkpoint, listing).catch((error: unknown) => {
      if (isDeltaError(error, 'delta-unsupported-reader') || isDeltaError(error, 'delta-unsupported-schema'))
        throw error;
      onBrokenCheckpoint(error);
    });
    if (start !== undefined) return await replay(source, listing, start, target);
  }
  const first = listing.entries[0];
  if (first?.version !== 0) return undefined;
  const entry = await readEntry(source.store, 0);
  if (entry === undefined) return undefined;
  return await replay(
    source,
    listing,
    stateFromEntry(0, entry.commitInfo?.timestamp ?? first.modifiedMs, entry),
    target,
  );
}

async function readStart(
  source: LogSource,
  checkpoint: CheckpointParts,
  listing: LogListing,
): Promise<TableState> {
  const rows = await readCheckpoint(source.store, await source.connect(), checkpoint);
  const entry = listing.entries.find(({ version }) => version === checkpoint.version);
  return stateFromEntry(checkpoint.version, entry?.modifiedMs ?? 0, rows);
}

async function replay(
  source: LogSource,
  listing: LogListing,
  start: TableState,
  target: number,
): Promise<LoadedState> {
  const modified = new Map(listing.entries.map((entry) => [entry.version, entry.modifiedMs]));
  let state = start;
  for (let version = start.version + 1; version <= target; version += 1) {
    const entry = modified.has(version) ? await readEntry(source.store, version) : undefined;
    if (entry === undefined) throw gap(version, target);
    state = advanceState(state, version, entry.commitInfo?.timestamp ?? modified.get(version) ?? 0, entry);
  }
  return { state, checkpointVersion: listing.checkpoints.at(-1)?.version ?? -1 };
}

/** `_last_checkpoint` is a hint and nothing more: whatever is wrong with it, the listing knows better. */
async function readLastCheckpoint(store: ObjectStore): Promise<number | undefined> {
  try {
    const json: unknown = JSON.parse((await store.get(lastCheckpointKey)).toString('utf8'));
    if (typeof json !== 'object' || json === null || !('version' in json)) return undefined;
    return Number.isSafeInteger(json.version) ? (json.version as number) : undefined;
  } catch (error) {
    if (isDeltaError(error, 'store-not-found') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function unloadable(
  listing: LogListing,
  wanted: number | undefined,
  failures: readonly unknown[],
): DeltaError {
  const oldest = listing.entries[0]?.version;
  if (listing.unsupportedCheckpoints.length > 0 && oldest !== 0) {
    return new DeltaError({
      code: 'delta-unsupported-reader',
      message: 'We cannot read this table: it needs v2Checkpoint.',
      hint: 'Use an engine that knows it (Spark), or set delta.checkpointPolicy=classic there and write a checkpoint.',
    });
  }
  if (oldest === undefined && listing.checkpoints.length === 0) {
    return new DeltaError({
      code: 'delta-table-not-found',
      message: 'There is no Delta table here: _delta_log holds no version.',
      hint: 'Check the path, or create the table.',
    });
  }
  if (failures.length > 0 || (wanted === undefined && oldest !== undefined)) {
    return new DeltaError({
      code: 'delta-log-corrupt',
      message: 'No whole checkpoint of the table can be read, and the log does not reach back to version 0.',
      hint: 'Restore _delta_log from a backup.',
      cause: failures[0],
    });
  }
  return versionNotFound(`version ${wanted ?? ''}`, listing);
}

export function versionNotFound(what: string, listing: LogListing): DeltaError {
  const first = listing.checkpoints[0]?.version;
  const oldest = listing.entries[0]?.version === 0 ? 0 : first;
  const newest = listing.entries.at(-1)?.version;
  return new DeltaError({
    code: 'delta-version-not-found',
    message: `The table has no ${what} any more or yet; it can be read from version ${oldest ?? '?'} to ${newest ?? '?'}.`,
    hint: 'Choose a version of that range (see history); a longer delta.logRetentionDuration keeps more.',
    details: { oldest, newest },
  });
}

function gap(version: number, target: number): DeltaError {
  return new DeltaError({
    code: 'delta-log-gap',
    message: `The log entry of version ${version} is missing, though the table goes on to version ${target}.`,
    hint: 'Restore this entry from a backup: without it no later version can be trusted.',
    details: { version, target },
  });
}

import { randomUUID } from 'node:crypto';
import type { CrashPoints } from '@clicklake/durable-files';
import type { LogEntry } from './actions.ts';
import { type CommitRequest, prepareCommit, type PreparedCommit, requireNoConflict } from './commit.ts';
import { DeltaError } from '../delta-error.ts';
import { loadState, type LogSource, readEntry } from './load-state.ts';
import { serializeLogEntry } from './log-entry.ts';
import { entryKey } from './log-files.ts';
import {
  advanceState,
  copyState,
  isExpired,
  type Snapshot,
  type SnapshotHeader,
  type TableState,
} from './table-state.ts';

export interface TableLogOptions extends LogSource {
  readonly crashPoints: CrashPoints;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly engineInfo: string;
}

/** A commit that is in the log, durably. */
export interface CommittedVersion {
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/**
 * The newest known state of one table, kept by replaying each entry once: the cost of a commit does not grow
 * with the log. All calls run one after the other.
 */
export interface TableLog {
  /** Reads what others committed and gives out the state, which then never changes. */
  refresh(): Promise<Snapshot>;
  /** The newest state known, without asking the store. */
  current(): Snapshot;
  /** The same without its maps: giving those out would make the next commit copy them. */
  header(): SnapshotHeader;
  /** Judges the request, commits it and moves on past other writers' versions that do not conflict. */
  commit(request: CommitRequest): Promise<CommittedVersion>;
  /** Version of the newest checkpoint known; -1 when there is none. */
  checkpointVersion(): number;
  /** A checkpoint was written; tombstones that expired before `now` are forgotten with it. */
  noteCheckpoint(version: number, now: number): void;
}

/** After so long without a look the log may have lost the entry that comes next to clean-up: list it anew. */
const trustNextEntryMs = 3_600_000;

/** @throws DeltaError as `loadState`. */
export async function openTableLog(options: TableLogOptions): Promise<TableLog> {
  const { store, clock, crashPoints } = options;
  const loaded = await loadState(options);
  let state: TableState = loaded.state;
  let checkpointVersion = loaded.checkpointVersion;
  let givenOut = false;
  let lookedAt = clock();
  const serially = serializer();

  const advance = (version: number, timestamp: number, entry: LogEntry): void => {
    const own = givenOut ? copyState(state) : state;
    givenOut = false;
    state = advanceState(own, version, timestamp, entry);
  };
  const giveOut = (): Snapshot => {
    givenOut = true;
    return state;
  };
  const reload = async (): Promise<void> => {
    const fresh = await loadState(options);
    state = fresh.state;
    givenOut = false;
    checkpointVersion = Math.max(checkpointVersion, fresh.checkpointVersion);
  };
  const catchUp = async (): Promise<void> => {
    const idle = clock() - lookedAt;
    lookedAt = clock();
    if (idle > trustNextEntryMs || idle < 0) return await reload();
    for (;;) {
      const entry = await readEntry(store, state.version + 1);
      if (entry === undefined) return;
      advance(state.version + 1, entry.commitInfo?.timestamp ?? clock(), entry);
    }
  };

  const write = async (prepared: PreparedCommit, readVersion: number): Promise<CommittedVersion> => {
    const bytes = Buffer.from(serializeLogEntry(prepared.entry));
    // What came after the caller's snapshot and is already known here has to be judged too.
    for (let version = readVersion + 1; version <= state.version; version += 1) {
      const winner = await readEntry(store, version);
      if (winner === undefined) throw unavailable(version);
      requireNoConflict(prepared, winner, version);
    }
    crashPoints.reach('delta-before-commit');
    for (;;) {
      const version = state.version + 1;
      if (await putEntry(version, bytes)) {
        crashPoints.reach('delta-after-commit');
        const timestamp = prepared.entry.commitInfo?.timestamp ?? clock();
        advance(version, timestamp, prepared.entry);
        lookedAt = clock();
        return { version, timestamp };
      }
      const winner = await readEntry(store, version);
      if (winner === undefined) throw unavailable(version);
      advance(version, winner.commitInfo?.timestamp ?? clock(), winner);
      requireNoConflict(prepared, winner, version);
    }
  };

  const putEntry = async (version: number, bytes: Buffer): Promise<boolean> => {
    try {
      return await store.putIfAbsent(entryKey(version), bytes);
    } catch (cause) {
      // The entry may be there or not. The next call finds out, by reading what is in the log.
      lookedAt = -Infinity;
      throw new DeltaError({
        code: 'delta-commit-uncertain',
        message: `The store failed while version ${version} was written; it may or may not be there.`,
        hint: 'Open the table again and look at its transactions before you repeat the commit.',
        details: { version },
        cause,
      });
    }
  };

  return {
    refresh: () =>
      serially(async () => {
        await catchUp();
        return giveOut();
      }),
    current: giveOut,
    header() {
      const { version, timestamp, protocol, metadata, schema, properties } = state;
      return { version, timestamp, protocol, metadata, schema, properties };
    },
    commit: (request) =>
      serially(async () => {
        if (clock() - lookedAt > trustNextEntryMs) await catchUp();
        const context = { now: clock(), txnId: randomUUID(), engineInfo: options.engineInfo };
        const prepared = prepareCommit(state, request, context);
        return await write(prepared, request.readVersion ?? state.version);
      }),
    checkpointVersion: () => checkpointVersion,
    noteCheckpoint(version, now) {
      checkpointVersion = Math.max(checkpointVersion, version);
      const { deletedFileRetentionMs } = state.properties;
      const tombstones = new Map(
        [...state.tombstones].filter(
          ([, remove]) => !isExpired(remove.deletionTimestamp, deletedFileRetentionMs, now),
        ),
      );
      state = { ...state, tombstones };
    },
  };
}

/** Runs tasks one at a time, in the order of their calls; a failed one does not stop the next. */
function serializer(): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task, task);
    last = run.catch(() => undefined);
    return run;
  };
}

function unavailable(version: number): DeltaError {
  return new DeltaError({
    code: 'delta-log-unavailable',
    message: `Version ${version} was committed after our snapshot and is no longer in the log.`,
    hint: 'Start the operation again from the newest version.',
    retryable: true,
    details: { version },
  });
}

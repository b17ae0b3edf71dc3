import type { AddFile, CommitInfo, LogEntry, RemoveFile } from '../log/actions.ts';
import { readEntry } from '../log/load-state.ts';
import type { ObjectStore } from '../store/object-store.ts';

export interface HistoryEntry {
  readonly version: number;
  /** Milliseconds since the epoch; null when the writer left no commitInfo. */
  readonly timestamp: number | null;
  readonly operation: string;
  readonly operationParameters: CommitInfo['operationParameters'];
  readonly operationMetrics: CommitInfo['operationMetrics'];
  readonly engineInfo: string | null;
  readonly userMetadata: string | null;
  readonly addedFiles: number;
  readonly removedFiles: number;
}

/** What one version did to the table. */
export interface CommitEntry extends HistoryEntry {
  readonly adds: readonly AddFile[];
  readonly removes: readonly RemoveFile[];
  /** The `txn`s that this very commit wrote, appId to version. */
  readonly transactions: ReadonlyMap<string, bigint>;
}

/** Undefined when the log does not hold the version (any more). */
export async function readCommit(store: ObjectStore, version: number): Promise<CommitEntry | undefined> {
  const entry = await readEntry(store, version);
  if (entry === undefined) return undefined;
  return {
    ...historyEntry(version, entry),
    adds: entry.adds,
    removes: entry.removes,
    transactions: new Map(entry.transactions.map((txn) => [txn.appId, txn.version])),
  };
}

/** The newest versions still in the log, newest first. */
export async function readHistory(
  store: ObjectStore,
  newest: number,
  limit: number,
): Promise<readonly HistoryEntry[]> {
  const history: HistoryEntry[] = [];
  for (let version = newest; version >= 0 && history.length < limit; version -= 1) {
    const entry = await readEntry(store, version);
    if (entry === undefined) break;
    history.push(historyEntry(version, entry));
  }
  return history;
}

function historyEntry(version: number, { commitInfo: info, adds, removes }: LogEntry): HistoryEntry {
  return {
    version,
    timestamp: info?.timestamp ?? null,
    operation: info?.operation ?? 'UNKNOWN',
    operationParameters: info?.operationParameters ?? {},
    operationMetrics: info?.operationMetrics ?? {},
    engineInfo: info?.engineInfo ?? null,
    userMetadata: info?.userMetadata ?? null,
    addedFiles: adds.length,
    removedFiles: removes.length,
  };
}

import type { CommitInfo } from '../log/actions.ts';
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
    const info = entry.commitInfo;
    history.push({
      version,
      timestamp: info?.timestamp ?? null,
      operation: info?.operation ?? 'UNKNOWN',
      operationParameters: info?.operationParameters ?? {},
      operationMetrics: info?.operationMetrics ?? {},
      engineInfo: info?.engineInfo ?? null,
      userMetadata: info?.userMetadata ?? null,
      addedFiles: entry.adds.length,
      removedFiles: entry.removes.length,
    });
  }
  return history;
}

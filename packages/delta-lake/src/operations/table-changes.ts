import type { LogEntry, PartitionValues } from '../log/actions.ts';
import { readEntry } from '../log/load-state.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Where rows changed between two versions. */
export interface TableChanges {
  /** Partitions with files added or removed, each once. */
  readonly partitions: readonly PartitionValues[];
  /** Some of their rows were taken away, or put back by a restore: false means that new rows were appended. */
  readonly removed: boolean;
}

/**
 * Looks through the entries after `from` up to `to`, for adds and removes with dataChange = true: OPTIMIZE moves
 * rows and changes none (PROTOCOL, "Add File and Remove File").
 *
 * @returns undefined when one of the entries is not there any more, or a remove does not say its partition.
 */
export async function readChanges(
  store: ObjectStore,
  from: number,
  to: number,
): Promise<TableChanges | undefined> {
  const partitions = new Map<string, PartitionValues>();
  let removed = false;
  for (let version = from + 1; version <= to; version += 1) {
    const entry = await readEntry(store, version);
    if (entry === undefined) return undefined;
    for (const { partitionValues, dataChange } of [...entry.adds, ...entry.removes]) {
      if (!dataChange) continue;
      if (partitionValues === null) return undefined;
      partitions.set(JSON.stringify(Object.entries(partitionValues).sort()), partitionValues);
    }
    removed ||= isRestore(entry) || entry.removes.some(({ dataChange }) => dataChange);
  }
  return { partitions: [...partitions.values()], removed };
}

/** A restore that only adds looks like an append, but its rows are old ones; the one trace of it is its name. */
function isRestore({ commitInfo }: LogEntry): boolean {
  return commitInfo?.operation?.toUpperCase() === 'RESTORE';
}

import type { LogEntry, PartitionValues } from '../log/actions.ts';
import { recordCount } from '../data-files/statistics.ts';
import { readEntry } from '../log/load-state.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Where rows changed between two versions. */
export interface TableChanges {
  /** Partitions with files added or removed, each once. */
  readonly partitions: readonly PartitionValues[];
  /** Some of their rows were taken away, or put back by a restore: false means that new rows were appended. */
  readonly removed: boolean;
  /** Rows of the files added; undefined when one of them does not say. */
  readonly addedRows: number | undefined;
  /** What those who changed rows wrote into their commits' `userMetadata`; null: nothing. */
  readonly notes: readonly (string | null)[];
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
  const notes: (string | null)[] = [];
  let removed = false;
  let addedRows: number | undefined = 0;
  for (let version = from + 1; version <= to; version += 1) {
    const entry = await readEntry(store, version);
    if (entry === undefined) return undefined;
    for (const { partitionValues, dataChange } of [...entry.adds, ...entry.removes]) {
      if (!dataChange) continue;
      if (partitionValues === null) return undefined;
      partitions.set(JSON.stringify(Object.entries(partitionValues).sort()), partitionValues);
    }
    const added = entry.adds.filter(({ dataChange }) => dataChange);
    for (const { stats } of added) addedRows = plus(addedRows, recordCount(stats));
    if (added.length > 0 || entry.removes.some(({ dataChange }) => dataChange))
      notes.push(entry.commitInfo?.userMetadata ?? null);
    removed ||= isRestore(entry) || entry.removes.some(({ dataChange }) => dataChange);
  }
  return { partitions: [...partitions.values()], removed, addedRows, notes };
}

function plus(sum: number | undefined, more: number | undefined): number | undefined {
  return sum === undefined || more === undefined ? undefined : sum + more;
}

/** A restore that only adds looks like an append, but its rows are old ones; the one trace of it is its name. */
function isRestore({ commitInfo }: LogEntry): boolean {
  return commitInfo?.operation?.toUpperCase() === 'RESTORE';
}

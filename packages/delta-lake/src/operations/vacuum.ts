import { DeltaError } from '../delta-error.ts';
import type { StoredObject } from '../store/object-store.ts';
import type { TableContext } from '../table-context.ts';
import { isExpired, type Snapshot } from '../log/table-state.ts';

export interface VacuumOptions {
  /** How long removed files are kept; `delta.deletedFileRetentionDuration` by default. */
  readonly retentionHours?: number;
  /** Only say what would be deleted. */
  readonly dryRun?: boolean;
  /**
   * Allows a retention below the table's. Then time travel inside the promised window breaks, and so does any
   * writer that has staged files and not committed them yet.
   */
  readonly allowShorterRetention?: boolean;
}

export interface VacuumResult {
  /** Keys deleted, or to be deleted in a dry run; what dead writers left among them, `_staging/<uuid>`. */
  readonly keys: readonly string[];
  readonly bytes: number;
  readonly dryRun: boolean;
}

/** A file that is in no version may be staged, by a writer that commits it in a moment. */
const leastStrayMs = 5 * 60_000;

/**
 * Deletes files that no version inside the retention needs: those removed longer ago, and those that never got
 * into any version (a crash, a conflict) and are as old, five minutes at the least unless a shorter retention is
 * allowed. With them goes what a killed writer left under `_staging`, once it is as old; a shorter retention does not
 * touch that, for it may be a live writer's.
 *
 * @throws DeltaError `delta-retention-too-short`.
 */
export async function vacuumTable(table: TableContext, options: VacuumOptions): Promise<VacuumResult> {
  const promisedMs = table.log.header().properties.deletedFileRetentionMs;
  const retentionMs = requireRetention(promisedMs, options);
  // List before looking at the log: a file that is listed and committed in between is then known as live.
  const objects: StoredObject[] = [];
  for await (const object of table.store.list('')) objects.push(object);
  const snapshot = await table.log.refresh();
  const strayMs = options.allowShorterRetention === true ? retentionMs : Math.max(retentionMs, leastStrayMs);
  const expired = expiredObjects(objects, snapshot, { retentionMs, strayMs }, table.clock());
  const keys = expired.map((object) => object.key);
  const abandoned = (await table.store.leftovers()).filter((object) =>
    isExpired(object.modifiedMs, Math.max(retentionMs, promisedMs, leastStrayMs), table.clock()),
  );
  const abandonedKeys = abandoned.map((object) => object.key);
  if (options.dryRun !== true) {
    for (let start = 0; start < keys.length; start += 1000) {
      table.crashPoints.reach('delta-vacuum-deleting');
      await table.store.remove(keys.slice(start, start + 1000));
    }
    await table.store.discardLeftovers(abandonedKeys);
  }
  return {
    keys: [...keys, ...abandonedKeys],
    bytes: [...expired, ...abandoned].reduce((sum, object) => sum + object.size, 0),
    dryRun: options.dryRun === true,
  };
}

/** Which of a table's objects VACUUM takes: those removed so long ago, and strays that are so old. Pure. */
export function expiredObjects(
  objects: readonly StoredObject[],
  snapshot: Snapshot,
  { retentionMs, strayMs }: { readonly retentionMs: number; readonly strayMs: number },
  now: number,
): readonly StoredObject[] {
  return objects.filter((object) => {
    if (isHidden(object.key, snapshot.metadata.partitionColumns) || snapshot.files.has(object.key))
      return false;
    const tombstone = snapshot.tombstones.get(object.key);
    // Without a tombstone: never committed, or removed so long ago that the checkpoint has dropped it.
    return tombstone === undefined
      ? isExpired(object.modifiedMs, strayMs, now)
      : isExpired(tombstone.deletionTimestamp, retentionMs, now);
  });
}

/** `_delta_log`, `_staging`, anybody's `_…` and `.…`; but `_p=1/` is a partition, when there is a column `_p`. */
function isHidden(key: string, partitionColumns: readonly string[]): boolean {
  return key
    .split('/')
    .some(
      (segment) => /^[._]/.test(segment) && !partitionColumns.some((name) => segment.startsWith(`${name}=`)),
    );
}

function requireRetention(promisedMs: number, options: VacuumOptions): number {
  if (options.retentionHours === undefined) return promisedMs;
  const retentionMs = options.retentionHours * 3_600_000;
  if (!(retentionMs >= 0)) {
    throw new DeltaError({
      code: 'delta-invalid-argument',
      message: `A retention of ${options.retentionHours} hours is none.`,
      hint: 'Give a number of hours from 0.',
    });
  }
  if (retentionMs >= promisedMs || options.allowShorterRetention === true) return retentionMs;
  throw new DeltaError({
    code: 'delta-retention-too-short',
    message: `VACUUM with ${options.retentionHours} hours would delete files that the table promises to keep for ${promisedMs / 3_600_000} hours.`,
    hint: 'Set delta.deletedFileRetentionDuration lower, or allow the shorter retention when nobody else uses the table.',
  });
}

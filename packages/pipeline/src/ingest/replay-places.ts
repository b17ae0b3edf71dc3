import { pruneFiles, scanSql, type DeltaTable } from '@clicklake/delta-lake';
import { listValue, type DuckDBConnection } from '@duckdb/node-api';
import type { Generation } from './generation.ts';

/** Where a record of `clickstream-events` lies. */
export interface RecordPlace {
  readonly partition: number;
  readonly offset: bigint;
}

/** By `replay_of`, the record that Silver holds, or will hold, of that dead letter (S8). */
export type ReplayPlaces = ReadonlyMap<string, RecordPlace>;

export const noReplays: ReplayPlaces = new Map();

/** Which of some dead letters have been replayed by records that are not in the tick at hand. */
export type FindReplays = (origins: readonly string[]) => Promise<Map<string, RecordPlace>>;

/**
 * Looks for replays without a window (S8): in what is not committed yet, which is in memory, then in Silver, where
 * a file's statistics tell that it holds none.
 */
export function createFindReplays(
  connection: DuckDBConnection,
  silver: DeltaTable,
  uncommitted: () => readonly Generation[],
): FindReplays {
  return async (origins) => {
    // In this order: a generation that is committed meanwhile is found in one of the two.
    const inMemory = uncommitted().map(({ replays }) => replays);
    const found = await replaysInSilver(connection, silver, origins);
    for (const origin of origins) {
      const place = inMemory.map((replays) => replays.get(origin)).find((known) => known !== undefined);
      if (place !== undefined) found.set(origin, place);
    }
    return found;
  };
}

/** Above this many, the values of a file's bounds rule out too little to be worth comparing. */
const comparedOrigins = 100;

/** The replays of some dead letters that are committed. */
export async function replaysInSilver(
  connection: DuckDBConnection,
  silver: DeltaTable,
  origins: readonly string[],
): Promise<Map<string, RecordPlace>> {
  const snapshot = await silver.snapshot();
  const column = 'replay_of';
  const files = pruneFiles(snapshot, [
    origins.length > comparedOrigins ? { column, op: 'is not null' } : { column, op: 'in', values: origins },
  ]);
  const places = new Map<string, RecordPlace>();
  if (files.length === 0) return places;
  const rows = await connection.runAndReadAll(
    `SELECT replay_of, log_partition, log_offset FROM (${scanSql(silver.store, snapshot, files)})
     WHERE replay_of IS NOT NULL AND replay_of IN (SELECT unnest($1::VARCHAR[]))`,
    [listValue([...origins])],
  );
  for (const [origin, partition, offset] of rows.getRows()) {
    if (typeof origin === 'string' && typeof offset === 'bigint')
      places.set(origin, { partition: Number(partition), offset });
  }
  return places;
}

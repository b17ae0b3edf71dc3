import type { DuckDBConnection } from '@duckdb/node-api';
import type { DedupeIndex, DedupeState } from '../dedupe/dedupe-index.ts';
import { tableSql, type LakeTables } from '../lake/lake-tables.ts';
import { committedVerdicts, type CommittedVerdicts } from './committed-verdicts.ts';
import { batchOfChunks, hashExpression } from './event-hashes.ts';
import { coveredOffsets } from './transaction-ids.ts';

/** Reads back what the tables before Silver say of offsets that Silver does not cover (S4.1). */
export async function recoverVerdicts(
  connection: DuckDBConnection,
  tables: LakeTables,
): Promise<CommittedVerdicts> {
  const [silver, deadLetters, duplicates] = await Promise.all([
    tables.silver.snapshot(),
    tables.dead_letters.snapshot(),
    tables.duplicates.snapshot(),
  ]);
  const covered = {
    silver: coveredOffsets(silver.transactions, 'clickstream-events'),
    deadLetters: coveredOffsets(deadLetters.transactions, 'clickstream-events'),
    duplicates: coveredOffsets(duplicates.transactions, 'clickstream-events'),
  };
  const rowsOf = (sql: string): Promise<readonly Float64Array[]> =>
    readOffsets(connection, sql, covered.silver);
  return committedVerdicts({
    ...covered,
    deadRows: await rowsOf(
      `SELECT "partition" AS p, "offset" AS o FROM (${tableSql(tables.dead_letters, deadLetters)})
       WHERE topic = 'clickstream-events'`,
    ),
    duplicateRows: await rowsOf(
      `SELECT log_partition AS p, log_offset AS o FROM (${tableSql(tables.duplicates, duplicates)})
       WHERE log_topic = 'clickstream-events'`,
    ),
  });
}

/** The offsets `o` of partition `p`, from `from[p]` on, ascending. */
async function readOffsets(
  connection: DuckDBConnection,
  select: string,
  from: readonly bigint[],
): Promise<readonly Float64Array[]> {
  const found: Float64Array[] = [];
  for (const [partition, next] of from.entries()) {
    const rows = await connection.runAndReadAll(
      `SELECT CAST(o AS DOUBLE) FROM (${select}) WHERE p = ${partition} AND o >= ${next} ORDER BY o`,
    );
    found.push(Float64Array.from(rows.getColumns()[0] ?? [], Number));
  }
  return found;
}

export interface DedupeRecovery {
  readonly index: DedupeIndex;
  /** What was found on disk; undefined: nothing usable. */
  readonly state: DedupeState | undefined;
  readonly salt: string;
  readonly windowMs: number;
}

/** Rows per call of `load`: keeps the recovery's memory flat whatever the window holds. */
const chunksPerLoad = 60;

/**
 * Brings the dedupe index to Silver's version: rolls the saved state forward over the rows committed since, or
 * rebuilds it from Silver by received_at (S3.3).
 */
export async function recoverDedupe(
  connection: DuckDBConnection,
  tables: LakeTables,
  { index, state, salt, windowMs }: DedupeRecovery,
): Promise<void> {
  const silver = await tables.silver.snapshot();
  const covered = coveredOffsets(silver.transactions, 'clickstream-events');
  const source = tableSql(tables.silver, silver);
  const usable = state !== undefined && state.silverVersion <= silver.version ? state : undefined;
  if (usable === undefined) await index.clear();
  const since =
    usable === undefined
      ? await rebuildCondition(connection, source, windowMs, covered.length)
      : usable.covered
          .map((next, partition) => `(log_partition = ${partition} AND log_offset >= ${next})`)
          .join(' OR ');
  await loadEvents(connection, index, salt, `SELECT * FROM (${source}) WHERE ${since}`);
  await index.begin(covered);
}

/** Remembers every event of a SELECT with Silver's columns. */
export async function loadEvents(
  connection: DuckDBConnection,
  index: DedupeIndex,
  salt: string,
  select: string,
): Promise<void> {
  const result = await connection.stream(
    `SELECT ${hashExpression(salt)}, CAST(epoch_ms(received_at) AS DOUBLE), log_partition, CAST(log_offset AS DOUBLE)
     FROM (${select})`,
  );
  for (let done = false; !done;) {
    const chunks = [];
    while (chunks.length < chunksPerLoad) {
      const chunk = await result.fetchChunk();
      done = chunk === null || chunk.rowCount === 0;
      if (chunk === null || done) break;
      chunks.push(chunk);
    }
    if (chunks.length > 0) await index.load(batchOfChunks(chunks));
  }
}

/**
 * What a rebuilt window must hold: a partition that lags behind may still deliver records that were received
 * right after its last committed one, so the oldest of the partitions' newest rows counts (S3.1).
 */
async function rebuildCondition(
  connection: DuckDBConnection,
  source: string,
  windowMs: number,
  partitions: number,
): Promise<string> {
  const found = await connection.runAndReadAll(
    `SELECT count(*), CAST(epoch_ms(min(newest)) AS DOUBLE)
     FROM (SELECT max(received_at) AS newest FROM (${source}) GROUP BY log_partition)`,
  );
  const [heard, oldest] = found.getRows()[0] ?? [];
  // A partition without a row yet may deliver records of any age.
  if (Number(heard) < partitions || typeof oldest !== 'number') return 'true';
  return `received_at >= make_timestamptz(${Math.trunc(oldest - windowMs)}000)`;
}

import type { DuckDBConnection } from '@duckdb/node-api';
import { appendRows } from './append-rows.ts';
import { duplicatesTable } from './generation.ts';
import { offsetExpression, partitionExpression, type RowPlaces } from './silver-projection.ts';

/** Rows of a tick's table that are duplicates; the arrays run in parallel. */
export interface FoundDuplicates {
  readonly rows: readonly number[];
  /** Coordinates of the event that stays. */
  readonly firstPartitions: readonly number[];
  readonly firstOffsets: readonly bigint[];
  /** Further rows that are duplicates by an earlier commit and are not to be recorded again (S4.1). */
  readonly recorded: readonly number[];
}

/** Adds a tick's duplicates to the generation's table of them and returns its name. */
export async function recordDuplicates(
  connection: DuckDBConnection,
  generation: number,
  tickTable: string,
  places: RowPlaces,
  found: FoundDuplicates,
): Promise<string> {
  const table = duplicatesTable(generation);
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${table} (event_id VARCHAR, log_topic VARCHAR, log_partition INTEGER,
      log_offset BIGINT, received_at TIMESTAMPTZ, first_topic VARCHAR, first_partition INTEGER,
      first_offset BIGINT, event_date DATE)`,
  );
  const pairs = `${tickTable}_duplicates`;
  await connection.run(`CREATE TABLE ${pairs} (row BIGINT, first_partition INTEGER, first_offset BIGINT)`);
  const indexes = found.rows.map((_, index) => index);
  await appendRows(connection, pairs, indexes, (appender, index) => {
    appender.appendBigInt(BigInt(found.rows[index] ?? 0));
    appender.appendInteger(found.firstPartitions[index] ?? 0);
    appender.appendBigInt(found.firstOffsets[index] ?? 0n);
  });
  await connection.run(
    `INSERT INTO ${table}
     SELECT t.event_id, 'clickstream-events', t.log_partition, t.log_offset, t.received_at,
       'clickstream-events', p.first_partition, p.first_offset, CAST(t.received_at AS DATE)
     FROM (SELECT rowid AS row, event_id, received_at, ${partitionExpression(places)} AS log_partition,
             ${offsetExpression(places)} AS log_offset FROM ${tickTable}) t
     JOIN ${pairs} p ON p.row = t.row`,
  );
  await connection.run(`DROP TABLE ${pairs}`);
  return table;
}

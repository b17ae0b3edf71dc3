import type { DeltaTable, StagedFile } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';

/** A date with at least so many rows of a commit gets a COPY of its own. */
const ownCopyRows = 20_000;

/**
 * Writes Silver's rows as Parquet, one file a date. Most rows of a commit are of one or two dates: those are
 * written directly, and only the stragglers go through DuckDB's partitioned COPY, which costs half as much
 * again since it sorts its rows apart first.
 */
export async function stageSilverRows(
  table: DeltaTable,
  connection: DuckDBConnection,
  select: string,
  compression: 'zstd' | 'snappy',
): Promise<readonly StagedFile[]> {
  const counted = await connection.runAndReadAll(
    `SELECT CAST(event_date AS VARCHAR), count(*) FROM (${select}) GROUP BY 1 HAVING count(*) >= ${ownCopyRows} ORDER BY 1`,
  );
  const dates = counted.getRows().map(([date]) => String(date));
  const files: StagedFile[] = [];
  for (const date of dates) {
    const rows = `SELECT * EXCLUDE (event_date) FROM (${select}) WHERE event_date = DATE '${date}'`;
    files.push(...(await table.stage(rows, { connection, compression, partition: { event_date: date } })));
  }
  const rest =
    dates.length === 0
      ? select
      : `SELECT * FROM (${select}) WHERE event_date NOT IN (${dates.map((date) => `DATE '${date}'`).join(', ')})`;
  return [...files, ...(await table.stage(rest, { connection, compression }))];
}

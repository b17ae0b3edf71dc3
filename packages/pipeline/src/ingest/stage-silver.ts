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
    `SELECT CAST(event_date AS VARCHAR), count(*) >= ${ownCopyRows} FROM (${select}) GROUP BY 1 ORDER BY 1`,
  );
  const dates = counted.getRows().flatMap(([date, isLarge]) => (isLarge === true ? [String(date)] : []));
  const files: StagedFile[] = [];
  for (const date of dates) {
    const rows = `SELECT * EXCLUDE (event_date) FROM (${select}) WHERE ${isOn(date)}`;
    files.push(...(await table.stage(rows, { connection, compression, partition: { event_date: date } })));
  }
  if (dates.length === counted.currentRowCount) return files;
  const others = ['true', ...dates.map((date) => `NOT (${isOn(date)})`)];
  const rest = `SELECT * FROM (${select}) WHERE ${others.join(' AND ')}`;
  return [...files, ...(await table.stage(rest, { connection, compression }))];
}

const dayMicroseconds = 86_400_000_000;

/**
 * The rows of one event_date, which is the UTC date of `timestamp` (S2.3), as bounds of that column: DuckDB's scan
 * then reads the other columns for these rows only, where a condition on a cast copies out every chunk.
 */
function isOn(date: string): string {
  const start = Date.parse(`${date}T00:00:00Z`) * 1000;
  return `"timestamp" >= make_timestamptz(${start}) AND "timestamp" < make_timestamptz(${start + dayMicroseconds})`;
}

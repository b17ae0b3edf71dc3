import { readJsonColumns } from '@clicklake/contract';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Spool } from './spool.ts';
import { literal } from './sql-literal.ts';
import { notAnEvent } from './unreadable-rows.ts';

/** Picked records say their own coordinates (spool.ts); most ticks have none, and two columns less to read. */
const withCoordinates = `${readJsonColumns.slice(0, -1)}, "$p": 'INTEGER', "$o": 'BIGINT'}`;

/** The reader takes two buffers of twice this size for each file and thread: 1 MiB keeps a tick small. */
const leastObjectSize = 1024 * 1024;

/**
 * Reads spool files into a new table, one row a line, in the order of the lines: `rowid` n is line n of the
 * files laid end to end. The table is never changed afterwards, so a rowid stays what it is.
 *
 * @param computed further columns, as SQL over those of the contract: while a row is at hand they cost a third of what
 *   a statement over the table would.
 * @returns whether every row is an event. One that could not be read is all nulls.
 */
export async function createTickTable(
  connection: DuckDBConnection,
  table: string,
  { files, pickedRows, longestLine }: Pick<Spool, 'files' | 'pickedRows' | 'longestLine'>,
  computed: readonly string[] = [],
): Promise<boolean> {
  const create = (options: string): string =>
    `CREATE OR REPLACE TABLE ${table} AS SELECT ${['*', ...computed].join(', ')} FROM read_json([${files.map(literal).join(', ')}],
      format = 'newline_delimited', columns = ${pickedRows > 0 ? withCoordinates : readJsonColumns},
      maximum_object_size = ${Math.max(leastObjectSize, longestLine + 1)}${options})`;
  try {
    await connection.run(create(''));
  } catch {
    // A line that DuckDB's reader refuses must not stop the rest: it becomes a row of nulls. Any other error
    // comes again.
    await connection.run(create(', ignore_errors = true'));
  }
  const found = await connection.runAndReadAll(`SELECT EXISTS (SELECT 1 FROM ${table} WHERE ${notAnEvent})`);
  return found.getRows()[0]?.[0] === false;
}

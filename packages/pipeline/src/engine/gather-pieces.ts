import { quoteIdentifier, quoteLiteral, type PartitionSelect } from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';

/** What DuckDB may hold of rows that it sorts into partitions: that does not spill. */
const rowsPerWrite = 200_000;

/**
 * The rows of several SELECTs, run one after another into a table that spills, as SELECTs that write few files: each
 * gives all rows of one date, or of some dates that have few.
 *
 * @param relation SQL text of the table to gather them in; the caller drops it.
 */
export async function gatherPieces(
  connection: DuckDBConnection,
  selects: readonly string[],
  dateColumn: string,
  relation: string,
): Promise<readonly (string | PartitionSelect)[]> {
  for (const [index, select] of selects.entries())
    await connection.run(
      index === 0 ? `CREATE OR REPLACE TABLE ${relation} AS ${select}` : `INSERT INTO ${relation} ${select}`,
    );
  const column = quoteIdentifier(dateColumn);
  const counted = await connection.runAndReadAll(
    `SELECT CAST(${column} AS VARCHAR), count(*) FROM ${relation} GROUP BY 1 ORDER BY 1`,
  );
  const groups: string[][] = [];
  let rows = Infinity;
  for (const [date, count] of counted.getRows()) {
    if (rows + Number(count) > rowsPerWrite) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(String(date));
    rows += Number(count);
  }
  return groups.map((dates) => {
    const [date = ''] = dates;
    const literals = dates.map((each) => `CAST(${quoteLiteral(each)} AS DATE)`);
    const select = `SELECT * FROM ${relation} WHERE ${column} IN (${literals.join(', ')})`;
    return dates.length === 1 ? ofOneDate(select, dateColumn, date) : select;
  });
}

/** A SELECT whose rows all have to lie on one date, without that column. */
export function ofOneDate(select: string, dateColumn: string, date: string): PartitionSelect {
  const column = quoteIdentifier(dateColumn);
  const refusal = quoteLiteral(`A row lies beyond ${date}, the date to replace.`);
  return {
    select: `SELECT * EXCLUDE (${column}) FROM (${select})
      WHERE CASE WHEN ${column} = CAST(${quoteLiteral(date)} AS DATE) THEN true ELSE error(${refusal}) END`,
    partition: { [dateColumn]: date },
  };
}

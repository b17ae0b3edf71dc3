import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';

/** Appends rows to a table, all or none: inside the caller's transaction. `write` appends one row's values. */
export async function appendRows<Row>(
  connection: DuckDBConnection,
  table: string,
  rows: readonly Row[],
  write: (appender: DuckDBAppender, row: Row) => void,
): Promise<void> {
  const appender = await connection.createAppender(table);
  try {
    for (const row of rows) {
      write(appender, row);
      appender.endRow();
    }
    appender.closeSync();
  } catch (error) {
    // What is left in it would be written when the appender is collected, after the rollback.
    appender.clear();
    throw error;
  }
}

import { DuckDBInstance, listValue, VARCHAR, LIST, type DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll } from 'vitest';

/** A DuckDB in memory for one test file. */
export function useDuckdb(): () => DuckDBConnection {
  let instance: DuckDBInstance | undefined;
  let connection: DuckDBConnection | undefined;
  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    connection = await instance.connect();
  });
  afterAll(() => {
    connection?.closeSync();
    instance?.closeSync();
  });
  return () => {
    if (connection === undefined) throw new Error('DuckDB is not open');
    return connection;
  };
}

/** What `expression`, over the column `text`, is of each text. */
export async function evaluate(
  connection: DuckDBConnection,
  expression: string,
  texts: readonly string[],
): Promise<unknown[]> {
  const reader = await connection.runAndReadAll(
    `SELECT ${expression} FROM (SELECT unnest($1) AS text, generate_subscripts($1, 1) AS n) ORDER BY n`,
    [listValue([...texts])],
    [LIST(VARCHAR)],
  );
  return reader.getRowsJS().map(([value]) => value);
}

import type { DuckDBConnection } from '@duckdb/node-api';

import { queryErrorFrom } from './duckdb-errors.ts';
import { QueryError } from '../query-error.ts';
import { quoteIdentifier, quoteLiteral } from '../sql-literal.ts';
import type { TailColumn } from '../tail/tail-table.ts';
import { tailSchema } from './instance.ts';

/** The tables behind tail generations. Calls come one after another: the connection has one transaction. */
export interface TailTables {
  create(name: string, columns: readonly TailColumn[]): Promise<void>;
  /** Appends the rows of a Parquet file, all or none. @throws QueryError `query-out-of-memory`, `query-tail-failed` */
  load(name: string, file: string): Promise<void>;
  drop(name: string): Promise<void>;
}

export function openTailTables(connection: DuckDBConnection): TailTables {
  const tableOf = (name: string): string => `${tailSchema}.${quoteIdentifier(name)}`;
  return {
    async create(name, columns) {
      await connection.run(`CREATE TABLE ${tableOf(name)} (${columnDefinitions(columns)})`);
    },
    async load(name, file) {
      try {
        // One statement is one transaction: `rowid` counts rows in the order of their commit, and a slice is
        // "the first n rows", so a load that fails must leave nothing behind.
        await connection.run(
          `INSERT INTO ${tableOf(name)} SELECT * FROM read_parquet(${quoteLiteral(file)})`,
        );
      } catch (error) {
        throw tailFailure(name, error);
      }
    },
    async drop(name) {
      await connection.run(`DROP TABLE IF EXISTS ${tableOf(name)}`);
    },
  };
}

/** The column list of CREATE TABLE. @throws RangeError for a type that could become other SQL. */
export function columnDefinitions(columns: readonly TailColumn[]): string {
  return columns.map(({ name, type }) => `${quoteIdentifier(name)} ${dataType(type)}`).join(', ');
}

/** Type texts are our own, but they become SQL: anything that could end the column list is refused. */
function dataType(type: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_ ,()[\]"]*$/.test(type)) throw new RangeError(`${type} is not a DuckDB type.`);
  return type;
}

/** Rows that could not be shown. */
export function tailFailure(name: string, error: unknown): QueryError {
  const outOfMemory = queryErrorFrom(error, (text) => text).code === 'query-out-of-memory';
  return new QueryError({
    code: outOfMemory ? 'query-out-of-memory' : 'query-tail-failed',
    message: `Rows could not be appended to the tail ${name}: ${error instanceof Error ? error.message : String(error)}`,
    hint: outOfMemory
      ? 'Commit the tail earlier, or raise the query.memory_limit setting.'
      : 'Hand over chunks that have exactly the columns of the generation.',
    cause: error,
  });
}

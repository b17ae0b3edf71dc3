import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';

import { QueryError } from '../query-error.ts';
import { quoteIdentifier } from '../sql-literal.ts';

/** A column of a tail generation; `type` is a DuckDB type as our contract writes it. */
export interface TailColumn {
  readonly name: string;
  readonly type: string;
}

/** The first `rows` rows of a generation, which stays readable until `release`. */
export interface TailSlice {
  /** The generation's table. */
  readonly table: string;
  readonly rows: number;
  /** Idempotent. */
  release(): void;
}

/** One tail generation: the rows between two commits, appended to and at last dropped as a whole. */
export interface TailTable {
  readonly name: string;
  /** Rows that a slice taken now would hold. */
  readonly rowCount: number;
  /**
   * Appends rows, all or none. Chunks may come from another DuckDB instance of this process; their
   * columns are the generation's, in its order.
   *
   * @returns the new `rowCount`.
   * @throws QueryError `query-out-of-memory`, `query-tail-failed`
   */
  append(chunks: readonly DuckDBDataChunk[]): Promise<number>;
  /** Pins the rows of this moment. @throws QueryError `query-tail-failed` after `drop` */
  slice(): TailSlice;
  /** Takes no more slices, and resolves when the last one is released and the table is gone. Idempotent. */
  drop(): Promise<void>;
}

/** Runs writes to tails one after another on the one connection that writes. */
export type TailWriter = <T>(write: (connection: DuckDBConnection) => Promise<T>) => Promise<T>;

/** Creates the table of a generation. @param schema where, quoted by us. */
export async function createTailTable(
  writer: TailWriter,
  schema: string,
  name: string,
  columns: readonly TailColumn[],
): Promise<TailTable> {
  const table = `${schema}.${quoteIdentifier(name)}`;
  const definitions = columns.map((column) => `${quoteIdentifier(column.name)} ${dataType(column.type)}`);
  await writer((connection) => connection.run(`CREATE TABLE ${table} (${definitions.join(', ')})`));

  let rowCount = 0;
  let slices = 0;
  let dropped: Promise<void> | undefined;
  const idle = Promise.withResolvers<undefined>();

  return {
    name,
    get rowCount() {
      return rowCount;
    },
    async append(chunks) {
      if (dropped !== undefined) throw gone(name);
      await writer(async (connection) => {
        await appendInTransaction(connection, schema, name, chunks);
        rowCount += chunks.reduce((rows, chunk) => rows + chunk.rowCount, 0);
      });
      return rowCount;
    },
    slice() {
      if (dropped !== undefined) throw gone(name);
      slices += 1;
      let held = true;
      return {
        table: name,
        rows: rowCount,
        release() {
          if (!held) return;
          held = false;
          slices -= 1;
          if (slices === 0 && dropped !== undefined) idle.resolve(undefined);
        },
      };
    },
    drop() {
      if (dropped === undefined) {
        if (slices === 0) idle.resolve(undefined);
        dropped = idle.promise.then(() =>
          writer(async (connection) => {
            await connection.run(`DROP TABLE IF EXISTS ${table}`);
          }),
        );
      }
      return dropped;
    },
  };
}

/**
 * Rows are numbered in the order of their commit (`rowid`), and a slice is "the first n rows": so an
 * append that fails must leave nothing behind.
 */
async function appendInTransaction(
  connection: DuckDBConnection,
  schema: string,
  name: string,
  chunks: readonly DuckDBDataChunk[],
): Promise<void> {
  if (chunks.length === 0) return;
  await connection.run('BEGIN');
  const appender = await connection.createAppender(name, schema);
  try {
    for (const chunk of chunks) appender.appendDataChunk(chunk);
    appender.closeSync();
    await connection.run('COMMIT');
  } catch (error) {
    // What is left in it would be written when the appender is collected, after the rollback.
    appender.clear();
    await connection.run('ROLLBACK').catch(() => undefined);
    const text = error instanceof Error ? error.message : String(error);
    const outOfMemory = text.includes('Out of Memory');
    throw new QueryError({
      code: outOfMemory ? 'query-out-of-memory' : 'query-tail-failed',
      message: `Rows could not be appended to the tail ${name}: ${text}`,
      hint: outOfMemory
        ? 'Commit the tail earlier, or raise the query.memory_limit setting.'
        : 'Hand over chunks that have exactly the columns of the generation.',
      cause: error,
    });
  }
}

/** Type texts are our own, but they become SQL: anything that could end the column list is refused. */
function dataType(type: string): string {
  if (!/^[A-Za-z][A-Za-z0-9_ ,()[\]"]*$/.test(type)) throw new RangeError(`${type} is not a DuckDB type.`);
  return type;
}

function gone(name: string): QueryError {
  return new QueryError({
    code: 'query-tail-failed',
    message: `The tail ${name} was dropped.`,
    hint: 'Pin the published version again and append to its generation.',
    retryable: true,
  });
}

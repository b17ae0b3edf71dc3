import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';

import { DuckDBInstance, type DuckDBConnection, type DuckDBDataChunk } from '@duckdb/node-api';

import { columnDefinitions, tailFailure } from '../engine/tail-tables.ts';
import { quoteIdentifier, quoteLiteral } from '../sql-literal.ts';
import type { TailColumn } from './tail-table.ts';

/**
 * Tail rows on their way to the query process: DuckDB's chunks cannot leave the process that made them, so
 * a small instance of its own writes each append into a Parquet file. The files stay until their generation
 * is dropped: a query process that starts anew reads them again. They are scratch, never synced.
 */
export interface TailSpool {
  /** Writes rows into a new file and gives its path. @throws QueryError `query-tail-failed` */
  write(name: string, columns: readonly TailColumn[], chunks: readonly DuckDBDataChunk[]): Promise<string>;
  remove(file: string): Promise<void>;
  close(): Promise<void>;
}

/** MiB: an append has a few thousand rows, and its table goes with its transaction. */
const memoryLimitMb = 64;

/** @param directory is made with the first write, and removed by `close`. */
export function openTailSpool(directory: string): TailSpool {
  let opened: Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> | undefined;
  let files = 0;

  async function open(): Promise<{ instance: DuckDBInstance; connection: DuckDBConnection }> {
    // Behaviour events are nobody else's business.
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${memoryLimitMb}MiB`,
      temp_directory: directory,
    });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return { instance, connection };
  }

  return {
    async write(name, columns, chunks) {
      opened ??= open();
      const { connection } = await opened;
      files += 1;
      const file = path.join(directory, `${files}.parquet`);
      const staging = quoteIdentifier(name);
      await connection.run('BEGIN');
      try {
        await connection.run(`CREATE TEMP TABLE ${staging} (${columnDefinitions(columns)})`);
        const appender = await connection.createAppender(name, 'main', 'temp');
        try {
          for (const chunk of chunks) appender.appendDataChunk(chunk);
          appender.closeSync();
        } catch (error) {
          // What is left in it would be written when the appender is collected, after the rollback.
          appender.clear();
          throw error;
        }
        await connection.run(
          `COPY ${staging} TO ${quoteLiteral(file)} (FORMAT parquet, COMPRESSION uncompressed)`,
        );
      } catch (error) {
        await rm(file, { force: true });
        throw tailFailure(name, error);
      } finally {
        await connection.run('ROLLBACK').catch(() => undefined);
      }
      return file;
    },
    remove: (file) => rm(file, { force: true }),
    async close() {
      if (opened !== undefined) {
        const { instance, connection } = await opened;
        connection.closeSync();
        instance.closeSync();
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

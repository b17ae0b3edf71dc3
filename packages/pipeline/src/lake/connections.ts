import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { utcConnection } from './duckdb.ts';

/** A few connections of one DuckDB, each lent for a step, so that steps that need not wait for each other do not. */
export interface Connections {
  /**
   * Runs a step on a connection that nobody else has meanwhile; waits for one when all are lent. A step must not ask
   * for another. Rejects after `close`.
   */
  use<T>(step: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** After the steps under way. Idempotent. */
  close(): Promise<void>;
}

/**
 * @param most connections, opened as they are needed. Each statement holds a thread of libuv's pool while it runs, and
 *   those are ingest's and the collector's first.
 */
export function openConnections(duckdb: DuckDBInstance, most: number): Connections {
  const all: DuckDBConnection[] = [];
  const free: DuckDBConnection[] = [];
  const waiting: (() => void)[] = [];
  const underWay = new Set<Promise<unknown>>();
  let lent = 0;
  let closed = false;

  async function borrow(): Promise<DuckDBConnection> {
    while (lent >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    lent += 1;
    const known = free.pop();
    if (known !== undefined) return known;
    try {
      const connection = await utcConnection(duckdb);
      all.push(connection);
      return connection;
    } catch (error) {
      giveBack();
      throw error;
    }
  }

  /** Without a connection: none could be opened. */
  function giveBack(connection?: DuckDBConnection): void {
    lent -= 1;
    if (connection !== undefined) free.push(connection);
    waiting.shift()?.();
  }

  async function run<T>(step: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    if (closed) throw new TypeError('These connections are closed.');
    const connection = await borrow();
    try {
      return await step(connection);
    } finally {
      giveBack(connection);
    }
  }

  return {
    use(step) {
      const result = run(step);
      underWay.add(result);
      const forget = (): unknown => underWay.delete(result);
      result.then(forget, forget);
      return result;
    },
    async close() {
      closed = true;
      while (underWay.size > 0) await Promise.allSettled(underWay);
      for (const connection of all.splice(0)) connection.closeSync();
      free.length = 0;
    },
  };
}

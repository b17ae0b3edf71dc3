import { availableParallelism } from 'node:os';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { utcConnection } from './duckdb.ts';

/**
 * A few connections of one DuckDB, each lent for a step: steps that do not wait for each other use every core, though
 * a statement of ours has one thread (`openLakeDuckdb`).
 */
export interface Connections {
  /**
   * Runs a step on a connection that nobody else has meanwhile; waits for one when all are lent. A step must not ask
   * for another.
   */
  use<T>(step: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  /** After the steps under way. Idempotent. */
  close(): Promise<void>;
}

/** @param most connections; they are opened as they are needed. */
export function openConnections(
  duckdb: DuckDBInstance,
  most = Math.max(2, availableParallelism()),
): Connections {
  const all: DuckDBConnection[] = [];
  const free: DuckDBConnection[] = [];
  const waiting: ((connection: DuckDBConnection) => void)[] = [];
  const underWay = new Set<Promise<unknown>>();
  let opened = 0;

  async function borrow(): Promise<DuckDBConnection> {
    const known = free.pop();
    if (known !== undefined) return known;
    if (opened >= most) return new Promise((resolve) => waiting.push(resolve));
    opened += 1;
    try {
      const connection = await utcConnection(duckdb);
      all.push(connection);
      return connection;
    } catch (error) {
      opened -= 1;
      throw error;
    }
  }

  function giveBack(connection: DuckDBConnection): void {
    const next = waiting.shift();
    if (next === undefined) free.push(connection);
    else next(connection);
  }

  async function run<T>(step: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
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
      while (underWay.size > 0) await Promise.allSettled(underWay);
      for (const connection of all.splice(0)) connection.closeSync();
      free.length = 0;
      opened = 0;
    },
  };
}

import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

import { QueryError } from '../query-error.ts';
import type { PathScrubber } from './duckdb-errors.ts';
import { openPinnedViews, type PinnedViews } from './pinned-views.ts';

/** A connection lent to one query. */
export interface PooledConnection {
  readonly connection: DuckDBConnection;
  readonly views: PinnedViews;
}

/** At most `size` queries at a time; up to `maxWaiting` more wait in line. */
export interface ConnectionPool {
  /** @throws QueryError `query-too-many`, or the signal's reason. */
  acquire(signal: AbortSignal): Promise<PooledConnection>;
  release(connection: PooledConnection): void;
}

interface Waiter {
  take(connection: PooledConnection): void;
}

export function openConnectionPool(
  instance: DuckDBInstance,
  size: number,
  maxWaiting: number,
  scrub: PathScrubber,
): ConnectionPool {
  // Last in, first out: the connection used last has the newest views.
  const free: PooledConnection[] = [];
  const waiting = new Set<Waiter>();
  let lent = 0;

  const wait = (signal: AbortSignal): Promise<PooledConnection> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(waiter);
        signal.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        take(connection) {
          leave();
          resolve(connection);
        },
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason as QueryError);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(waiter);
    });

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      const pooled = free.pop();
      if (pooled !== undefined) {
        lent += 1;
        return pooled;
      }
      if (lent >= size) {
        if (waiting.size >= maxWaiting) throw tooMany(size, maxWaiting);
        return wait(signal);
      }
      lent += 1;
      try {
        const connection = await instance.connect();
        return { connection, views: openPinnedViews(connection, scrub) };
      } catch (error) {
        lent -= 1;
        throw error;
      }
    },
    release(pooled) {
      // The answer goes out first, so that its pin is released before the next one is taken.
      setImmediate(() => {
        const [next] = waiting;
        if (next !== undefined) {
          next.take(pooled);
          return;
        }
        lent -= 1;
        free.push(pooled);
      });
    },
  };
}

function tooMany(size: number, maxWaiting: number): QueryError {
  return new QueryError({
    code: 'query-too-many',
    message: `${size} queries run and ${maxWaiting} wait already.`,
    hint: 'Ask again in a moment, or raise the query.max_concurrent setting.',
    retryable: true,
  });
}

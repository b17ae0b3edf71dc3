import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

import { engineClosed, QueryError } from '../query-error.ts';
import type { PathScrubber } from './duckdb-errors.ts';
import { openPinnedViews, type PinnedViews } from './pinned-views.ts';

/** A connection lent to one query. */
export interface PooledConnection {
  readonly connection: DuckDBConnection;
  readonly views: PinnedViews;
}

/** At most `size` queries at a time; up to `maxWaiting` more wait in line. */
export interface ConnectionPool {
  /** @throws QueryError `query-too-many`, `query-engine-closed`, or the signal's reason. */
  acquire(signal: AbortSignal): Promise<PooledConnection>;
  release(connection: PooledConnection): void;
  /** Refuses those who wait, and resolves when every connection is back and closed. */
  close(): Promise<void>;
}

interface Waiter {
  take(connection: PooledConnection): void;
  refuse(error: QueryError): void;
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
  let closing: PromiseWithResolvers<undefined> | undefined;

  const finishClose = (): void => {
    if (closing === undefined || lent > 0) return;
    for (const { connection } of free.splice(0)) connection.closeSync();
    closing.resolve(undefined);
  };
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
        refuse(error) {
          leave();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.refuse(signal.reason as QueryError);
      signal.addEventListener('abort', onAbort, { once: true });
      waiting.add(waiter);
    });

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (closing !== undefined) throw engineClosed();
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
        finishClose();
        throw error;
      }
    },
    release(pooled) {
      const [next] = waiting;
      if (next !== undefined) {
        next.take(pooled);
        return;
      }
      lent -= 1;
      free.push(pooled);
      finishClose();
    },
    close() {
      if (closing === undefined) {
        closing = Promise.withResolvers<undefined>();
        for (const waiter of [...waiting]) waiter.refuse(engineClosed());
        finishClose();
      }
      return closing.promise;
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

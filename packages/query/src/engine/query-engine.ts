import type { DuckDBConnection } from '@duckdb/node-api';

import type { Pin } from '../pin.ts';
import { engineClosed, type QueryError } from '../query-error.ts';
import type { QueryResult } from '../result/query-result.ts';
import { readRows, type ReadRows } from '../result/read-rows.ts';
import { judgeStatement } from '../sandbox/statement.ts';
import { createTailTable, type TailColumn, type TailTable, type TailWriter } from '../tail/tail-table.ts';
import { openConnectionPool, type PooledConnection } from './connection-pool.ts';
import { openPathScrubber, queryErrorFrom } from './duckdb-errors.ts';
import { openInstance, tailSchema } from './instance.ts';
import { checkTables, planViews } from './pinned-views.ts';
import { openRecentAnswers } from './recent-answers.ts';
import { resolveOptions, type QueryEngineOptions } from './options.ts';
import { openStopSignal, type StopSignal } from './stop-signal.ts';

/** Narrower limits for one query; they cannot widen the engine's. */
export interface RunOptions {
  /** Aborting it ends the query with `query-cancelled`. */
  readonly signal?: AbortSignal | undefined;
  readonly maxRows?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** SQL for people: read-only statements over pinned tables, in a DuckDB instance of its own. */
export interface QueryEngine {
  /**
   * Creates a tail generation. @param generation letters, digits and `_`, for people who read plans.
   */
  createTail(generation: string | number, columns: readonly TailColumn[]): Promise<TailTable>;
  /**
   * Runs one statement (S6.4) against the state that `pin` gives. The statement is judged first, so
   * that nothing is pinned for one that may not run.
   *
   * @throws QueryError with every code but `query-tail-failed`.
   */
  run(sql: string, pin: () => Promise<Pin>, options?: RunOptions): Promise<QueryResult>;
  /** Stops running queries and closes the instance. Idempotent. */
  close(): Promise<void>;
}

/** Opens the engine. @throws RangeError for options out of range. */
export async function openQueryEngine(given: QueryEngineOptions): Promise<QueryEngine> {
  const options = resolveOptions(given);
  const scrub = openPathScrubber([
    ...options.readableDirectories,
    ...(options.tempDirectory === undefined ? [] : [options.tempDirectory]),
  ]);
  const instance = await openInstance(options);
  const pool = openConnectionPool(instance, options.maxConcurrent, options.maxWaiting, scrub);
  const tails = openTailWriter(await instance.connect());
  const recent = openRecentAnswers();
  const running = new Set<StopSignal>();
  let tailCount = 0;
  let closed: Promise<void> | undefined;

  /** Everything that must end before the connection and the pin are given back. */
  const runOn = async (
    { connection, views }: PooledConnection,
    sql: string,
    pinTables: () => Promise<Pin>,
    maxRows: number,
    signal: AbortSignal,
  ): Promise<ReadRows & { readonly pinned: Pin['label'] }> => {
    const statement = recent.judged(sql) ?? recent.keepVerdict(sql, await judgeStatement(connection, sql));
    signal.throwIfAborted();
    const pin = await pinTables();
    try {
      signal.throwIfAborted();
      checkTables(statement.tables, pin.tables);
      const plan = planViews(pin.tables);
      const kept = recent.answer(sql, maxRows, plan);
      if (kept !== undefined) return { ...kept, pinned: pin.label };
      await views.show(plan);
      const limits = { maxRows, maxBytes: options.maxResultBytes };
      const read = await interruptible(connection, signal, () =>
        readRows(connection, statement.text, limits),
      );
      recent.keepAnswer(sql, maxRows, plan, read);
      return { ...(statement.isExplain ? scrubRows(read, scrub) : read), pinned: pin.label };
    } finally {
      for (const { tail } of pin.tables) for (const slice of tail?.slices ?? []) slice.release();
      pin.release();
    }
  };

  return {
    async createTail(generation, columns) {
      if (closed !== undefined) throw engineClosed();
      if (!/^\w+$/.test(String(generation)))
        throw new RangeError(`${generation} cannot name a tail generation.`);
      tailCount += 1;
      // Counted, so that no name ever stands for other rows than before.
      const name = `tail_${generation}_${tailCount}`;
      return createTailTable(tails.write, tailSchema, name, columns);
    },
    async run(sql, pinTables, runOptions = {}) {
      const started = performance.now();
      const maxRows = Math.min(runOptions.maxRows ?? options.maxRows, options.maxRows);
      const timeoutMs = Math.min(runOptions.timeoutMs ?? options.timeoutMs, options.timeoutMs);
      const stop = openStopSignal(timeoutMs, runOptions.signal);
      running.add(stop);
      try {
        const pooled = await pool.acquire(stop.signal);
        const work = runOn(pooled, sql, pinTables, maxRows, stop.signal).finally(() => pool.release(pooled));
        // A stopped query answers at once; its connection comes back when DuckDB has let go of it.
        const { columns, rows, truncated, pinned } = await Promise.race([work, stop.stopped]);
        const elapsedMs = performance.now() - started;
        return { columns, rows, rowCount: rows.length, truncated, elapsedMs, pinned };
      } catch (error) {
        throw stop.signal.aborted ? (stop.signal.reason as QueryError) : queryErrorFrom(error, scrub);
      } finally {
        running.delete(stop);
        stop.dispose();
      }
    },
    close() {
      closed ??= (async () => {
        for (const stop of running) stop.stop(engineClosed());
        await pool.close();
        await tails.close();
        instance.closeSync();
      })();
      return closed;
    },
  };
}

/**
 * Interrupts `connection` from the moment `signal` aborts until `work` ends: once is not enough, for
 * an interrupt that comes between two steps of a statement is forgotten.
 */
async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  let repeat: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    repeat ??= setInterval(interrupt, 20);
  };
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    return await work();
  } finally {
    clearInterval(repeat);
    signal.removeEventListener('abort', interrupt);
  }
}

/** A plan names the files that it reads. */
function scrubRows(read: ReadRows, scrub: (text: string) => string): ReadRows {
  const rows = read.rows.map((row) => row.map((value) => (typeof value === 'string' ? scrub(value) : value)));
  return { ...read, rows };
}

/** Queues writes to tails: a connection has one transaction at a time. */
function openTailWriter(connection: DuckDBConnection): { write: TailWriter; close(): Promise<void> } {
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  return {
    write(write) {
      const turn = last.then(() => {
        if (closed) throw engineClosed();
        return write(connection);
      });
      last = turn.catch(() => undefined);
      return turn;
    },
    async close() {
      closed = true;
      await last;
      connection.closeSync();
    },
  };
}

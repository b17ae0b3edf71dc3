import type { DuckDBConnection } from '@duckdb/node-api';

import type { PinLabel, PinnedState } from '../pin.ts';
import { readRows, type ReadRows } from '../result/read-rows.ts';
import { judgeStatement } from '../sandbox/statement.ts';
import { openConnectionPool, type PooledConnection } from './connection-pool.ts';
import { openPathScrubber, queryErrorFrom, type PathScrubber } from './duckdb-errors.ts';
import { openInstance } from './instance.ts';
import { checkTables, planViews } from './pinned-views.ts';
import { openRecentAnswers } from './recent-answers.ts';
import type { ResolvedOptions } from './options.ts';
import { openTailTables, type TailTables } from './tail-tables.ts';

/** What a statement gave. */
export interface Answer extends ReadRows {
  readonly pinned: PinLabel;
}

/** The one DuckDB that user SQL runs in, with the live rows that it shows. */
export interface StatementRunner {
  readonly tails: TailTables;
  /**
   * Runs one statement (S6.4) against the state that `pin` gives. The statement is judged first, so that
   * nothing is pinned for one that may not run. Settles only when DuckDB has let go of the pinned rows.
   *
   * @param signal aborted with a QueryError, which it then rejects with.
   * @throws QueryError
   */
  run(sql: string, pin: () => Promise<PinnedState>, maxRows: number, signal: AbortSignal): Promise<Answer>;
}

export async function openStatementRunner(options: ResolvedOptions): Promise<StatementRunner> {
  const scrub = openPathScrubber([
    ...options.readableDirectories,
    ...(options.tempDirectory === undefined ? [] : [options.tempDirectory]),
  ]);
  const { instance, tailConnection } = await openInstance(options);
  const pool = openConnectionPool(instance, options.maxConcurrent, options.maxWaiting, scrub);
  const tails = openTailTables(tailConnection);
  const recent = openRecentAnswers();

  const runOn = async (
    { connection, views }: PooledConnection,
    sql: string,
    pinState: () => Promise<PinnedState>,
    maxRows: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const statement = recent.judged(sql) ?? recent.keepVerdict(sql, await judgeStatement(connection, sql));
    signal.throwIfAborted();
    const { tables, label } = await pinState();
    signal.throwIfAborted();
    checkTables(statement.tables, tables);
    const plan = planViews(tables);
    const kept = recent.answer(sql, maxRows, plan);
    if (kept !== undefined) return { ...kept, pinned: label };
    await views.show(plan);
    const limits = { maxRows, maxBytes: options.maxResultBytes };
    const read = await interruptible(connection, signal, () => readRows(connection, statement.text, limits));
    recent.keepAnswer(sql, maxRows, plan, read);
    return { ...(statement.isExplain ? scrubRows(read, scrub) : read), pinned: label };
  };

  return {
    tails,
    async run(sql, pin, maxRows, signal) {
      try {
        const pooled = await pool.acquire(signal);
        try {
          return await runOn(pooled, sql, pin, Math.min(maxRows, options.maxRows), signal);
        } finally {
          pool.release(pooled);
        }
      } catch (error) {
        throw signal.aborted ? signal.reason : queryErrorFrom(error, scrub);
      }
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
function scrubRows(read: ReadRows, scrub: PathScrubber): ReadRows {
  const rows = read.rows.map((row) => row.map((value) => (typeof value === 'string' ? scrub(value) : value)));
  return { ...read, rows };
}

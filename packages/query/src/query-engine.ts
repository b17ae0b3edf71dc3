import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

import { openPathScrubber, queryErrorFrom } from './engine/duckdb-errors.ts';
import { resolveOptions, type QueryEngineOptions } from './engine/options.ts';
import type { Answer } from './engine/statement-runner.ts';
import { columnDefinitions } from './engine/tail-tables.ts';
import type { Pin } from './pin.ts';
import { openPinning } from './pinning.ts';
import { openQueryProcesses } from './process/query-processes.ts';
import { openStopSignal, type StopSignal } from './process/stop-signal.ts';
import { engineClosed, type QueryError } from './query-error.ts';
import type { QueryResult } from './result/query-result.ts';
import { openTailSpool } from './tail/tail-spool.ts';
import { openTailTable, type TailColumn, type TailTable } from './tail/tail-table.ts';

/** Narrower limits for one query; they cannot widen the engine's. */
export interface RunOptions {
  /** Aborting it ends the query with `query-cancelled`. */
  readonly signal?: AbortSignal | undefined;
  readonly maxRows?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** SQL for people: read-only statements over pinned tables, in a process with a DuckDB of its own. */
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
  /** Stops running queries and ends the process. Idempotent. */
  close(): Promise<void>;
}

/** Opens the engine. @throws RangeError for options out of range, QueryError `query-process-ended` */
export async function openQueryEngine(given: QueryEngineOptions): Promise<QueryEngine> {
  const options = resolveOptions(given);
  const { tempDirectory } = options;
  const tailDirectory = tempDirectory === undefined ? ownTailDirectory() : `${tempDirectory}-tail`;
  const readableDirectories = [...options.readableDirectories, tailDirectory];
  const scrub = openPathScrubber(readableDirectories);
  const processes = await openQueryProcesses(
    { ...options, readableDirectories },
    openTailSpool(tailDirectory),
    async () => {
      if (tempDirectory !== undefined) await rm(tempDirectory, { recursive: true, force: true });
    },
  );
  const running = new Set<StopSignal>();
  let tailCount = 0;
  let closed: Promise<void> | undefined;

  async function ask(
    sql: string,
    takePin: () => Promise<Pin>,
    maxRows: number,
    signal: AbortSignal,
  ): Promise<Answer> {
    for (;;) {
      const process = await processes.ready();
      signal.throwIfAborted();
      const pinning = openPinning(takePin, (error) => queryErrorFrom(error, scrub));
      try {
        return await process.run(sql, maxRows, pinning, signal);
      } catch (error) {
        // A process that ended before it began with this statement ended because of another one.
        if (!process.hasEnded() || pinning.wasTaken() || signal.aborted) throw error;
      }
    }
  }

  return {
    async createTail(generation, columns) {
      if (closed !== undefined) throw engineClosed();
      if (!/^\w+$/.test(String(generation)))
        throw new RangeError(`${generation} cannot name a tail generation.`);
      // Refuses types that are none, before anything is sent.
      columnDefinitions(columns);
      tailCount += 1;
      // Counted, so that no name ever stands for other rows than before.
      const name = `tail_${generation}_${tailCount}`;
      await processes.create(name, columns);
      return openTailTable(processes, name);
    },
    async run(sql, takePin, runOptions = {}) {
      if (closed !== undefined) throw engineClosed();
      const started = performance.now();
      const maxRows = Math.min(runOptions.maxRows ?? options.maxRows, options.maxRows);
      const timeoutMs = Math.min(runOptions.timeoutMs ?? options.timeoutMs, options.timeoutMs);
      const stop = openStopSignal(timeoutMs, runOptions.signal);
      running.add(stop);
      try {
        // A stopped query answers at once; its pin is released when DuckDB has let go of it.
        const { columns, rows, truncated, pinned } = await Promise.race([
          ask(sql, takePin, maxRows, stop.signal),
          stop.stopped,
        ]);
        const elapsedMs = performance.now() - started;
        return { columns, rows, rowCount: rows.length, truncated, elapsedMs, pinned };
      } catch (error) {
        throw stop.signal.aborted ? (stop.signal.reason as QueryError) : error;
      } finally {
        running.delete(stop);
        stop.dispose();
      }
    },
    close() {
      closed ??= (async () => {
        for (const stop of running) stop.stop(engineClosed());
        await processes.close();
      })();
      return closed;
    },
  };
}

function ownTailDirectory(): string {
  return path.join(os.tmpdir(), `clicklake-tail-${process.pid}-${randomUUID()}`);
}

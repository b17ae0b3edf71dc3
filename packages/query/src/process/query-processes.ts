import type { ResolvedOptions } from '../engine/options.ts';
import { engineClosed } from '../query-error.ts';
import type { TailSpool } from '../tail/tail-spool.ts';
import type { TailColumn, TailStore } from '../tail/tail-table.ts';
import { startQueryProcess, type QueryProcess } from './query-process.ts';

/** One query process at a time, with the live rows in it: when it ends, the next one gets them again. */
export interface QueryProcesses extends TailStore {
  create(name: string, columns: readonly TailColumn[]): Promise<void>;
  /** A process with every row appended so far. @throws QueryError when none can be started. */
  ready(): Promise<QueryProcess>;
  /** Idempotent. */
  close(): Promise<void>;
}

interface StoredTail {
  readonly columns: readonly TailColumn[];
  readonly files: string[];
}

/** Between two attempts to start a process that does not start. */
const restartPauseMs = 1_000;

/**
 * Starts the first process.
 *
 * @param spool keeps the rows of every tail that is not dropped.
 * @param clearScratch removes what an ended process left on disk.
 */
export async function openQueryProcesses(
  options: ResolvedOptions,
  spool: TailSpool,
  clearScratch: () => Promise<void>,
): Promise<QueryProcesses> {
  const tails = new Map<string, StoredTail>();
  let current: QueryProcess | undefined;
  let next = promisedProcess();
  let retry: NodeJS.Timeout | undefined;
  let closed: Promise<void> | undefined;
  /** Starts, and changes to tails, come one after another: so a process that is ready has all rows. */
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = last.then(() => {
      if (closed !== undefined) throw engineClosed();
      return step();
    });
    last = turn.catch(() => undefined);
    return turn;
  }

  async function start(): Promise<void> {
    await clearScratch();
    const started = await startQueryProcess(options);
    try {
      for (const [name, { columns, files }] of tails) {
        await started.command({ kind: 'create-tail', name, columns });
        for (const file of files) await started.command({ kind: 'load-tail', name, file });
      }
      if (closed !== undefined) throw engineClosed();
    } catch (error) {
      started.kill();
      throw error;
    }
    current = started;
    next.resolve(started);
    void started.ended.then(() => {
      current = undefined;
      next = promisedProcess();
      restart();
    });
  }

  function restart(): void {
    if (closed !== undefined) return;
    inTurn(start).catch((error: unknown) => {
      next.reject(error);
      next = promisedProcess();
      if (closed === undefined) retry = setTimeout(restart, restartPauseMs);
    });
  }

  /** Tells the process of a change. One that ended meanwhile needs not know: the next one starts with it. */
  async function tell(change: (process: QueryProcess) => Promise<void>): Promise<void> {
    const told = current;
    if (told === undefined) return;
    try {
      await change(told);
    } catch (error) {
      if (!told.hasEnded()) throw error;
    }
  }

  async function shutDown(): Promise<void> {
    clearTimeout(retry);
    next.reject(engineClosed());
    const running = current;
    running?.kill();
    await running?.ended;
    await last;
    await spool.close();
    await clearScratch();
  }

  await inTurn(start);
  return {
    create: (name, columns) =>
      inTurn(async () => {
        await tell((process) => process.command({ kind: 'create-tail', name, columns }));
        tails.set(name, { columns, files: [] });
      }),
    append: (name, chunks) =>
      inTurn(async () => {
        const tail = tails.get(name);
        if (tail === undefined) throw new RangeError(`There is no tail ${name}.`);
        const file = await spool.write(name, tail.columns, chunks);
        try {
          await tell((process) => process.command({ kind: 'load-tail', name, file }));
        } catch (error) {
          await spool.remove(file);
          throw error;
        }
        tail.files.push(file);
      }),
    drop: (name) =>
      inTurn(async () => {
        const files = tails.get(name)?.files ?? [];
        tails.delete(name);
        await tell((process) => process.command({ kind: 'drop-tail', name }));
        for (const file of files) await spool.remove(file);
      }),
    ready: () => (current === undefined ? next.promise : Promise.resolve(current)),
    close: () => (closed ??= shutDown()),
  };
}

function promisedProcess(): PromiseWithResolvers<QueryProcess> {
  const promised = Promise.withResolvers<QueryProcess>();
  // Nobody may be waiting for it when it fails.
  promised.promise.catch(() => undefined);
  return promised;
}

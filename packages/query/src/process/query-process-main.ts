/**
 * The process that user SQL runs in (S6.4): whatever a statement does to its memory, it does to this process
 * alone. It takes requests from the process that started it, owns nothing durable, and ends with it.
 */
import { writeFile } from 'node:fs/promises';

import { queryErrorFrom } from '../engine/duckdb-errors.ts';
import { openStatementRunner, type StatementRunner } from '../engine/statement-runner.ts';
import type { PinnedState } from '../pin.ts';
import { QueryError } from '../query-error.ts';
import { watchMemory, type MemoryWatch } from './memory-watch.ts';
import { errorOf, factsOf, type Command, type Request, type Response, type WhyItEnds } from './messages.ts';

/** How long DuckDB may take to let go of a statement that was stopped. */
const settleMs = 2_000;

interface RunningStatement {
  readonly stop: AbortController;
  readonly pin: PromiseWithResolvers<PinnedState>;
}

let opened: { readonly runner: StatementRunner; readonly memory: MemoryWatch } | undefined;
const statements = new Map<number, RunningStatement>();

/** Resolves when it is on its way. When it cannot be sent the channel is gone, and `disconnect` ends all this. */
function send(response: Response): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(response, undefined, undefined, () => resolve());
  });
}

/** At once: an ordinary exit waits for the threads of DuckDB, which may never come back. */
function end(why?: WhyItEnds): void {
  if (why !== undefined) void send({ kind: 'last-words', why });
  process.kill(process.pid, 'SIGKILL');
}

function theRunner(): StatementRunner {
  if (opened === undefined) throw new Error('The query process was asked before it was opened.');
  return opened.runner;
}

async function carryOut(command: Command): Promise<void> {
  switch (command.kind) {
    case 'open': {
      const { options } = command;
      opened = {
        runner: await openStatementRunner(options),
        memory: watchMemory({
          maxResidentBytes: options.maxResidentMb * 2 ** 20,
          onExceeded: () => end('memory'),
          onGrown: () => end('grown'),
        }),
      };
      return;
    }
    case 'create-tail':
      return theRunner().tails.create(command.name, command.columns);
    case 'load-tail':
      return theRunner().tails.load(command.name, command.file);
    case 'drop-tail':
      return theRunner().tails.drop(command.name);
  }
}

async function run(id: number, sql: string, maxRows: number): Promise<void> {
  const statement: RunningStatement = { stop: new AbortController(), pin: Promise.withResolvers() };
  statements.set(id, statement);
  const leave = opened?.memory.enter();
  try {
    const pin = (): Promise<PinnedState> => {
      void send({ kind: 'needs-pin', id });
      return statement.pin.promise;
    };
    const answer = await theRunner().run(sql, pin, maxRows, statement.stop.signal);
    await send({ kind: 'answer', id, answer });
  } catch (error) {
    await fail(id, error);
  } finally {
    leave?.();
    statements.delete(id);
  }
}

function fail(id: number, error: unknown): Promise<void> {
  const known = error instanceof QueryError ? error : queryErrorFrom(error, (text) => text);
  return send({ kind: 'failed', id, error: factsOf(known) });
}

function stop(id: number, reason: QueryError): void {
  statements.get(id)?.stop.abort(reason);
  // One expression over large values cannot be interrupted: it would hold its thread for as long as it likes.
  setTimeout(() => {
    if (statements.has(id)) end('stuck');
  }, settleMs);
}

function take(request: Request): void {
  switch (request.kind) {
    case 'command':
      carryOut(request.command).then(
        () => send({ kind: 'done', id: request.id }),
        (error: unknown) => fail(request.id, error),
      );
      return;
    case 'run':
      void run(request.id, request.sql, request.maxRows);
      return;
    case 'pin':
      statements.get(request.id)?.pin.resolve(request.state);
      return;
    case 'no-pin':
      statements.get(request.id)?.pin.reject(errorOf(request.error));
      return;
    case 'stop':
      stop(request.id, errorOf(request.reason));
  }
}

process.on('message', (message) => take(message as Request));
process.on('disconnect', () => end());
if (process.platform === 'linux') {
  // Should all memory of the machine run out, this process is the one to go.
  writeFile('/proc/self/oom_score_adj', '1000').catch(() => undefined);
}

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Answer } from '../engine/statement-runner.ts';
import type { ResolvedOptions } from '../engine/options.ts';
import type { Pinning } from '../pinning.ts';
import type { QueryError } from '../query-error.ts';
import { endOfProcess } from './process-end.ts';
import { errorOf, factsOf, type Command, type Request, type Response } from './messages.ts';

/** One query process, from its start to its end. */
export interface QueryProcess {
  /** @throws QueryError what the command failed with, or what `ended` says. */
  command(command: Command): Promise<void>;
  /**
   * Runs one statement. Settles when its pinned rows are let go of, which may be some time after `signal`.
   *
   * @param pinning is taken when the statement was found to be allowed, and released in any case.
   * @param signal aborted with a QueryError.
   */
  run(sql: string, maxRows: number, pinning: Pinning, signal: AbortSignal): Promise<Answer>;
  /** Resolves with what everybody who waits for an answer is told. Never rejects. */
  readonly ended: Promise<QueryError>;
  hasEnded(): boolean;
  /** Ends it at once: there is nothing in it that an orderly end would keep. */
  kill(): void;
}

type Settled = Extract<Response, { kind: 'done' | 'answer' }>;

/** Whoever waits for an answer. `resolve` and `reject` are called once, as soon as it is there. */
interface Waiting {
  resolve(response: Settled): void;
  reject(error: QueryError): void;
  needsPin?(): void;
}

/** Starts a process and opens its DuckDB. @throws QueryError `query-process-ended` */
export async function startQueryProcess(options: ResolvedOptions): Promise<QueryProcess> {
  const child = forkQueryProcess();
  const ended = endOfProcess(child, options.maxResidentMb);
  const waiting = new Map<number, Waiting>();
  let endedWith: QueryError | undefined;
  let ids = 0;

  // When it cannot be sent the process is gone, and its end tells whoever waits.
  const send = (request: Request): void => void child.send(request, () => undefined);
  /** This process lives on for an answer, but not for a query process that nobody waits for. */
  const keepAlive = (): void => {
    if (waiting.size > 0) child.channel?.ref();
    else child.channel?.unref();
  };
  const ask = (request: (id: number) => Request, one: (id: number) => Waiting): void => {
    ids += 1;
    const id = ids;
    if (endedWith !== undefined) {
      one(id).reject(endedWith);
      return;
    }
    waiting.set(id, one(id));
    keepAlive();
    send(request(id));
  };

  child.on('message', (message) => {
    const response = message as Response;
    if (response.kind === 'last-words') return;
    const one = waiting.get(response.id);
    if (response.kind === 'needs-pin') {
      one?.needsPin?.();
      return;
    }
    waiting.delete(response.id);
    keepAlive();
    if (response.kind === 'failed') one?.reject(errorOf(response.error));
    else one?.resolve(response);
  });
  void ended.then((error) => {
    endedWith = error;
    for (const one of waiting.values()) one.reject(error);
    waiting.clear();
  });
  child.unref();

  const queryProcess: QueryProcess = {
    ended,
    hasEnded: () => endedWith !== undefined,
    kill() {
      // Whoever ends it waits for its end.
      child.ref();
      child.kill('SIGKILL');
    },
    command: (command) =>
      new Promise((resolve, reject) => {
        ask(
          (id) => ({ kind: 'command', id, command }),
          () => ({ resolve: () => resolve(), reject }),
        );
      }),
    run: (sql, maxRows, pinning, signal) =>
      new Promise((resolve, reject) => {
        const waitingFor = (id: number): Waiting => {
          const stop = (): void => send({ kind: 'stop', id, reason: factsOf(signal.reason as QueryError) });
          signal.addEventListener('abort', stop, { once: true });
          const letGo = (): void => {
            signal.removeEventListener('abort', stop);
            pinning.release();
          };
          return {
            needsPin() {
              pinning.take().then(
                (state) => send({ kind: 'pin', id, state }),
                (error: unknown) => send({ kind: 'no-pin', id, error: factsOf(error as QueryError) }),
              );
            },
            resolve(response) {
              letGo();
              if (response.kind === 'answer') resolve(response.answer);
            },
            reject(error) {
              letGo();
              reject(error);
            },
          };
        };
        ask((id) => ({ kind: 'run', id, sql, maxRows }), waitingFor);
      }),
  };
  try {
    await queryProcess.command({ kind: 'open', options });
  } catch (error) {
    queryProcess.kill();
    throw error;
  }
  return queryProcess;
}

/** The variables that a process may need to load its libraries: credentials are among the others. */
const neededVariables = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'SystemRoot', 'TEMP'];

/** Results become JavaScript values, of 32 MiB of JSON by default; a larger heap is only collected later. */
const maxJavaScriptHeapMb = 192;

function forkQueryProcess(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const main = new URL(`./query-process-main.${fromSource ? 'ts' : 'js'}`, import.meta.url);
  return fork(fileURLToPath(main), [], {
    execArgv: [`--max-old-space-size=${maxJavaScriptHeapMb}`, ...(fromSource ? ['--conditions=source'] : [])],
    env: {
      ...Object.fromEntries(
        neededVariables.flatMap((name) => {
          const value = process.env[name];
          return value === undefined ? [] : [[name, value]];
        }),
      ),
      // With an arena for each thread, glibc keeps half as much again of what statements gave back.
      MALLOC_ARENA_MAX: '2',
    },
    // bigint and Date cross as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // In a process group of its own: a Ctrl-C at the terminal is for us, who end it when all is stopped.
    detached: true,
  });
}

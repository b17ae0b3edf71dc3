import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { run, type Effects, type InputStream, type OutputStream } from 'clicklake';

/** What a command wrote, and its exit code. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Shell {
  readonly directory: string;
  /** Runs a command line to its end. */
  run(...argv: string[]): Promise<Outcome>;
  runWith(
    given: Partial<Pick<Effects, 'env' | 'stdin'>> & { readonly tty?: boolean },
    ...argv: string[]
  ): Promise<Outcome>;
  /** Starts one that runs until it is stopped. */
  start(...argv: string[]): RunningCommand;
  /** Waits for everything started, and deletes the directory. */
  close(): Promise<void>;
}

export interface RunningCommand {
  /** The first line of its stdout as JSON. */
  readonly ready: Promise<Record<string, unknown>>;
  /** Its stdout, as soon as it has so many lines. */
  lines(count: number): Promise<readonly string[]>;
  readonly outcome: Promise<Outcome>;
  signal(name?: 'SIGINT' | 'SIGTERM'): void;
}

/** A working directory of its own, with all state in it, and ports that the system chooses. */
export async function openShell(): Promise<Shell> {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-cli-'));
  const started: RunningCommand[] = [];
  const env = {
    CLICKLAKE_PORT: '0',
    CLICKLAKE_COLLECTOR_PORT: '0',
    CLICKLAKE_INGEST_COMMIT_INTERVAL: '300ms',
    CLICKLAKE_INGEST_TICK_INTERVAL: '25ms',
  };

  function begin(given: Parameters<Shell['runWith']>[0], argv: readonly string[]): RunningCommand {
    const stdout = collector(given.tty === true);
    const stderr = collector(given.tty === true);
    const listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
    const effects: Effects = {
      stdin: given.stdin ?? input('', false),
      stdout: stdout.stream,
      stderr: stderr.stream,
      env: { ...env, ...given.env },
      cwd: directory,
      now: Date.now,
      openBrowser: () => Promise.resolve(false),
      signals: {
        onStop(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        exitNow: (code) => {
          throw new Error(`exit ${code}`);
        },
      },
    };
    const outcome = run(argv, effects).then((code) => ({
      code,
      stdout: stdout.text(),
      stderr: stderr.text(),
    }));
    const ended = outcome.then(({ stderr: text }) => {
      throw new Error(`It ended before it was ready: ${text}`);
    });
    const ready = Promise.race([stdout.lines(1), ended]).then(
      ([line = '']) => JSON.parse(line) as Record<string, unknown>,
    );
    ready.catch(() => undefined);
    return {
      ready,
      outcome,
      lines: (count) => stdout.lines(count),
      signal: (name = 'SIGINT') => {
        for (const listener of listeners) listener(name);
      },
    };
  }

  return {
    directory,
    run: (...argv) => begin({}, argv).outcome,
    runWith: (given, ...argv) => begin(given, argv).outcome,
    start(...argv) {
      const command = begin({}, argv);
      started.push(command);
      return command;
    },
    async close() {
      for (const command of started) command.signal('SIGTERM');
      await Promise.all(started.map(({ outcome }) => outcome));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What somebody types. */
export function input(text: string, isTTY: boolean): InputStream {
  const stream: InputStream = isTTY ? new PassThrough() : Readable.from([text]);
  if (stream instanceof PassThrough) stream.end(text);
  return Object.assign(stream, { isTTY });
}

interface Collector {
  readonly stream: OutputStream;
  text(): string;
  lines(count: number): Promise<readonly string[]>;
}

function collector(isTTY: boolean): Collector {
  let text = '';
  const waiting = new Set<() => void>();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      for (const look of waiting) look();
      done();
    },
  });
  return {
    stream: Object.assign(stream, { isTTY, columns: 100 }),
    text: () => text,
    lines: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          const lines = text.split('\n').slice(0, -1);
          if (lines.length < count) return;
          waiting.delete(look);
          resolve(lines);
        };
        waiting.add(look);
        look();
      }),
  };
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

export interface ProcessOptions {
  readonly home: string;
  readonly ports: { readonly admin: number; readonly collector: number };
  /** Settings by their environment variables. */
  readonly settings: Readonly<Record<string, string>>;
  /** A crash point, `name` or `name:3`; empty: it lives. */
  readonly crashAt?: string;
}

export interface ProductProcess {
  /** Whether it came to serve; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** The signal that ended it, or its exit code. */
  readonly ended: Promise<NodeJS.Signals | number>;
  isAlive(): boolean;
  /** Sends the signal unless it has ended, and waits for the end. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<NodeJS.Signals | number>;
  /** What it said on stderr. */
  talk(): string;
}

/** A command that runs until it is stopped, or killed, as a process of its own; without simulated shoppers. */
export function startProduct(
  command: 'up' | 'collect',
  { home, ports, settings, crashAt = '' }: ProcessOptions,
): ProductProcess {
  const child = spawn(process.execPath, ['--conditions=source', main, command, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      CLICKLAKE_SIMULATOR_ENABLED: 'false',
      ...settings,
      CLICKLAKE_HOME: home,
      CLICKLAKE_PORT: String(ports.admin),
      CLICKLAKE_COLLECTOR_PORT: String(ports.collector),
      CLICKLAKE_CRASH_AT: crashAt,
    },
  });
  let talk = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (talk += text));
  const ended = once(child, 'exit').then(
    ([code, signal]) => (signal ?? code ?? -1) as NodeJS.Signals | number,
  );
  const firstLine = once(createInterface({ input: child.stdout }), 'line').then(() => true);
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    ready: Promise.race([firstLine, ended.then(() => false)]),
    ended,
    isAlive,
    end(signal) {
      if (isAlive()) child.kill(signal);
      return ended;
    },
    talk: () => talk,
  };
}

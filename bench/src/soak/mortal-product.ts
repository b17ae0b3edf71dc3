import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launchOptions } from '../../../apps/cli/bin/launch-options.mjs';
import { freePort } from '../../../tests/support/free-port.ts';

/** `clicklake up` in one home and on the same ports, life after life. */
export interface MortalProduct {
  readonly home: string;
  readonly collectorUrl: string;
  /** Of the life under way. */
  readonly pid: number;
  /** When it was ready, on the clock of `performance.now()`; null while it is down. */
  readonly readyAt: number | null;
  /** How often it has been killed. */
  readonly kills: number;
  /** `kill -9`, and a new life; resolves when that is ready. */
  killAndRestart(): Promise<void>;
  /** Another command on the same home: its exit code and what it printed. */
  command(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number>;
  remove(): Promise<void>;
}

/** The exit code of a command that found the lake owned by another process. */
const ownedElsewhere = 3;
const launch = launchOptions([]);
const entry = join(import.meta.dirname, '../../../apps/cli/src/main.ts');

/** @param variables settings by their environment variables. */
export async function startMortalProduct(
  variables: Readonly<Record<string, string>>,
): Promise<MortalProduct> {
  const home = await mkdtemp(join(tmpdir(), 'clicklake-soak-'));
  const [port, collectorPort] = [await freePort(), await freePort()];
  const environment = {
    // As the launcher has it, without the launcher: what is killed is the product.
    ...launch.environment,
    ...process.env,
    ...variables,
    CLICKLAKE_HOME: home,
    CLICKLAKE_PORT: String(port),
    CLICKLAKE_COLLECTOR_PORT: String(collectorPort),
  };
  const run = (args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [...launch.flags, '--conditions=source', entry, ...args], {
      cwd: home,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  /** Tried again as a service manager would: a command of the upkeep may hold the lake just now (S6.3). */
  async function live(): Promise<{ readonly child: ChildProcess; readonly readyAt: number }> {
    for (;;) {
      const child = run(['up', '--json', '--no-simulator']);
      if (child.stdout === null) throw new Error('No output to read from.');
      const lines = createInterface({ input: child.stdout });
      const ended = once(child, 'exit') as Promise<[number | null]>;
      const code = await Promise.race([
        once(lines, 'line').then(() => undefined),
        ended.then(([exitCode]) => exitCode),
      ]);
      if (code === undefined) return { child, readyAt: performance.now() };
      if (code !== ownedElsewhere)
        throw new Error(`\`clicklake up\` ended with ${code} before it was ready.`);
    }
  }

  async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number> {
    const ended = child.exitCode ?? child.signalCode;
    if (ended === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode ?? -1;
  }

  let life = await live();
  let kills = 0;
  let down = false;
  return {
    home,
    collectorUrl: `http://127.0.0.1:${collectorPort}`,
    get pid() {
      return life.child.pid ?? 0;
    },
    get readyAt() {
      return down ? null : life.readyAt;
    },
    get kills() {
      return kills;
    },
    async killAndRestart() {
      kills += 1;
      down = true;
      await end(life.child, 'SIGKILL');
      life = await live();
      down = false;
    },
    async command(args) {
      const child = run(args);
      let output = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
      const [code] = (await once(child, 'close')) as [number | null];
      return { code: code ?? -1, output };
    },
    stop: () => end(life.child, 'SIGTERM'),
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** `clicklake up` as users run it, in a home of its own. */
export interface RunningProduct {
  readonly home: string;
  /** Of the first of its processes; all others descend from it. */
  readonly pid: number;
  readonly url: string;
  readonly collectorUrl: string;
  readonly token: string;
  readonly serverKey: string;
  /** Runs another command against the same home and returns what it printed. */
  command(args: readonly string[]): Promise<string>;
  /** SIGTERM, and waits for the end; then removes the home. */
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, '../../..');
const entry = join(root, 'apps/cli/bin/clicklake.mjs');

/** @param given a home that exists already; one of its own by default. */
export async function startProduct(options: readonly string[] = [], given?: string): Promise<RunningProduct> {
  const home = given ?? (await mkdtemp(join(tmpdir(), 'clicklake-bench-')));
  const child = spawn(
    process.execPath,
    [entry, 'up', '--home', home, '--json', '--port', '0', '--collector-port', '0', ...options],
    { stdio: ['ignore', 'pipe', 'inherit'], cwd: home },
  );
  const ready = await readyLine(child);
  const token = (await readFile(join(home, 'secrets/api-token'), 'utf8')).trim();
  const command = (args: readonly string[]): Promise<string> => run(home, args);
  const keys = JSON.parse(await command(['keys', '--json'])) as { key: string; kind: string }[];
  return {
    home,
    pid: child.pid ?? ready.pid,
    url: ready.url,
    collectorUrl: ready.collectorUrl,
    token,
    serverKey: keys.find(({ kind }) => kind === 'server')?.key ?? '',
    command,
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface ReadyLine {
  readonly pid: number;
  readonly url: string;
  readonly collectorUrl: string;
}

async function readyLine(child: ChildProcess): Promise<ReadyLine> {
  if (child.stdout === null) throw new Error('No output to read from.');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('`clicklake up` ended before it was ready.'))),
  ])) as [string];
  return JSON.parse(line) as ReadyLine;
}

async function run(home: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [entry, ...args, '--home', home], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: home,
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  return output;
}

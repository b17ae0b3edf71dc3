import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { missingLines } from './documented-output.ts';
import type { Step } from './markdown.ts';
import { root } from './repository.ts';

/** Somebody who follows a document: a directory, a shell whose variables last, and `npm start` in another terminal. */
export interface ReaderSession {
  readonly directory: string;
  /** @throws Error when a command fails, or documented output does not appear. */
  follow(step: Step): Promise<void>;
  close(): Promise<void>;
}

interface Running {
  readonly child: ChildProcess;
  readonly banner: string;
}

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

const bin = join(root, 'node_modules/.bin');
/** What only reads may be asked again until the events of the step before are visible, or committed. */
const onlyReads =
  /^npx clicklake (sql|ledger|status|dead-letters|tables|topics|table (history|detail)|config|trace)\b/;
const patienceMs = 30_000;

export async function openReaderSession(): Promise<ReaderSession> {
  const directory = await mkdtemp(join(tmpdir(), 'clicklake-docs-'));
  // As in the repository's root: `npx clicklake` is the one of its node_modules.
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'));
  await writeFile(join(directory, 'package.json'), '{"private":true}');
  const variables = join(directory, '.variables');
  await writeFile(variables, '');
  const env = {
    PATH: [await curlDirectory(directory), bin, process.env.PATH].join(delimiter),
    HOME: directory,
    TMPDIR: tmpdir(),
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    CLICKLAKE_PORT: '0',
    CLICKLAKE_COLLECTOR_PORT: '0',
    // Otherwise as it comes; what waits for a commit need not wait for ten seconds.
    CLICKLAKE_INGEST_COMMIT_INTERVAL: '2s',
  };
  let running: Running | undefined;

  /** Runs the commands in one shell, which stops at the first that fails. */
  async function run(commands: string): Promise<Outcome> {
    const child = spawn('sh', ['-c', `set -ae; . '${variables}'\n${commands}\nexport -p > '${variables}'`], {
      cwd: directory,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  /** Starts what `npm start` starts; this node and these modules are what its set-up would have brought. */
  async function start(): Promise<Running> {
    const main = join(root, 'apps/cli/src/main.ts');
    const child = spawn(process.execPath, ['--conditions=source', main, 'up'], {
      cwd: directory,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let banner = '';
    for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
      banner += String(chunk);
      if (banner.includes('Ctrl-C stops')) break;
    }
    child.stderr.resume();
    if (!banner.includes('Ctrl-C stops')) throw new Error(`\`up\` ended before it was ready:\n${banner}`);
    return { child, banner };
  }

  /** The ports that the system chose, in place of the documented ones. */
  function withPorts(commands: string): string {
    const [console] = /127\.0\.0\.1:\d+(?=\/login)/.exec(running?.banner ?? '') ?? [];
    const [collector] = /127\.0\.0\.1:\d+(?=\/v1\/events)/.exec(running?.banner ?? '') ?? [];
    return commands
      .replaceAll('127.0.0.1:8084', console ?? '127.0.0.1:8084')
      .replaceAll('127.0.0.1:8085', collector ?? '127.0.0.1:8085');
  }

  async function follow({ commands, output }: Step): Promise<void> {
    if (commands.trim() === 'npm start') {
      await stop(running);
      running = await start();
      expectOutput(output, { code: 0, output: running.banner });
      return;
    }
    const repeatable = commandLines(commands).every((line) => onlyReads.test(line));
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const outcome = await run(withPorts(commands));
      try {
        return expectOutput(output, outcome);
      } catch (error) {
        if (!repeatable || Date.now() > deadline) throw error;
      }
      await pause(200);
    }
  }

  return {
    directory,
    follow,
    async close() {
      await stop(running);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function stop(running: Running | undefined): Promise<void> {
  if (running === undefined) return;
  const { child } = running;
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function expectOutput(documented: string | null, { code, output }: Outcome): void {
  const missing = documented === null ? [] : missingLines(documented, output);
  if (code === 0 && missing.length === 0) return;
  const complaint = code === 0 ? `These lines did not appear:\n${missing.join('\n')}` : `Exit code ${code}`;
  throw new Error(`${complaint}\n--- the output was:\n${output}`);
}

/** Command lines, those that a quote continues put together. */
function commandLines(commands: string): readonly string[] {
  const lines: string[] = [];
  for (const line of commands.trim().split('\n')) {
    const last = lines.at(-1);
    if (last !== undefined && (last.match(/"/g)?.length ?? 0) % 2 === 1)
      lines[lines.length - 1] = `${last}\n${line}`;
    else if (!line.startsWith('#')) lines.push(line);
  }
  return lines;
}

/** A directory for the PATH: empty, or with our stand-in where the machine has no curl. */
async function curlDirectory(directory: string): Promise<string> {
  const own = join(directory, '.bin');
  await mkdir(own);
  const present = (process.env.PATH ?? '')
    .split(delimiter)
    .some((folder) => existsSync(join(folder, 'curl')));
  if (!present) {
    await copyFile(join(import.meta.dirname, 'curl.mjs'), join(own, 'curl'));
    await chmod(join(own, 'curl'), 0o755);
  }
  return own;
}

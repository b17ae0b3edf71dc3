// The set-up that `npm start` and `npm test` share. Plain JavaScript for any Node from 18: it installs from the
// lockfile when that has changed since the last time, then hands over to the Node 24 among the dependencies.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledNode } from '../apps/cli/bin/bundled-node.mjs';
import { launchOptions } from '../apps/cli/bin/launch-options.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.clicklake-installed');
const windows = process.platform === 'win32';

const entryPoints = {
  start: [...launchOptions([]).flags, '--conditions=source', join(root, 'apps/cli/src/main.ts'), 'up'],
  test: [join(modules, 'vitest/vitest.mjs'), 'run'],
  // Benchmarks of ingest run in this process, with the flags that `clicklake ingest --until-caught-up` has; the product
  // that others start is a process of its own, with those of `clicklake up`.
  bench: [
    ...launchOptions(['--until-caught-up']).flags,
    '--conditions=source',
    join(root, 'bench/src/main.ts'),
  ],
};

/** `npm --prefix <here> start` keeps its state where people are; tests and benchmarks are found from the root. */
const workingDirectories = { start: process.env.INIT_CWD ?? root, test: root, bench: root };

const [command, ...rest] = process.argv.slice(2);
const entryPoint = entryPoints[command];
if (entryPoint === undefined) {
  console.error(`usage: node scripts/bootstrap.mjs ${Object.keys(entryPoints).join('|')} [arguments]`);
  process.exit(2);
}

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== fingerprint()) await install();
await handOver([...entryPoint, ...rest], workingDirectories[command]);

/** What the installed tree depends on: the lockfile and the platform that chose the native packages. */
function fingerprint() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
}

async function install() {
  const started = Date.now();
  const done = showProgress('Installing dependencies from the lockfile (once)');
  // npm tells its scripts which npm it is; the bare name is the fallback for `node scripts/bootstrap.mjs`.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const [file, argv] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
  const child = spawn(file, argv, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: windows && file === 'npm',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      output += error.message;
      resolve(1);
    });
    child.on('close', resolve);
  });
  done();
  if (code !== 0) {
    console.error(output.trim());
    console.error(
      '\nThe installation failed (the lines above are npm’s). Check the network and run the same command again.',
    );
    process.exit(1);
  }
  linkNode();
  writeFileSync(stamp, fingerprint());
  console.error(`Installed in ${((Date.now() - started) / 1000).toFixed(0)} s.`);
}

function showProgress(label) {
  if (!process.stderr.isTTY) {
    console.error(`${label} …`);
    return () => undefined;
  }
  const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
  const started = Date.now();
  let turn = 0;
  const timer = setInterval(() => {
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    process.stderr.write(`\r${frames[turn++ % frames.length]} ${label}  ${seconds} s `);
  }, 100);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[2K');
  };
}

/** Runs Node 24 in this process's place: its signals, its output and its exit code are ours. */
async function handOver(args, cwd) {
  const node = nodeOfDependencies();
  const { environment } = launchOptions(args);
  const path = [join(modules, '.bin'), process.env.PATH].join(delimiter);
  const child = spawn(node, args, {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, ...environment, PATH: path },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  // When npm or its shell is killed outright nobody forwards a signal: being orphaned is the signal then.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 300).unref();
  child.on('error', (error) => {
    console.error(
      `Node 24 could not be started (${error.message}). Remove node_modules and run the command again.`,
    );
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));
}

function nodeOfDependencies() {
  const bundled = bundledNode(modules);
  if (bundled !== undefined) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  console.error(
    `No Node 24 is packaged for ${process.platform}-${process.arch}: install Node 24 or later and run the command again.`,
  );
  process.exit(1);
}

/** What a script finds as `node` is then the same Node 24, whatever npm made of its bin. */
function linkNode() {
  const bundled = bundledNode(modules);
  const link = join(modules, '.bin', 'node');
  if (bundled === undefined || windows || existsSync(link)) return;
  symlinkSync(relative(dirname(link), bundled), link);
}

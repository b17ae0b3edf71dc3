#!/usr/bin/env node
// Plain JavaScript: it must start on the Node that happens to be there, and hand over to Node 24.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundledNode } from './bundled-node.mjs';
import { launchOptions } from './launch-options.mjs';

const app = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(app, 'src/main.ts');
const [entry, conditions] = existsSync(source)
  ? [source, ['--conditions=source']]
  : [join(app, 'dist/main.js'), []];
const { flags, environment } = launchOptions(process.argv.slice(2));
const recent = Number(process.versions.node.split('.')[0]) >= 24;
const node = (recent ? undefined : bundledNode(join(app, '../../node_modules'))) ?? process.execPath;

const child = spawn(node, [...conditions, ...flags, entry, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, ...environment },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
// A shell between npx and us does not pass a signal on: being orphaned is the signal then.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 300).unref();
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)));

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bundledNode } from '../bin/bundled-node.mjs';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

it('is found in its package, whatever npm made of its bin, and is a Node 24', () => {
  const node = bundledNode(modules);
  expect(node).toMatch(/node_modules.node-[a-z0-9-]+.bin.node(\.exe)?$/);
  expect(execFileSync(node ?? '', ['--version'], { encoding: 'utf8' })).toMatch(/^v24\./);
});

it('is missed where it is not installed', () => {
  expect(bundledNode(fileURLToPath(new URL('.', import.meta.url)))).toBeUndefined();
});

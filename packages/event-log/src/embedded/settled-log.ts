import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readLockOwner, type FileSystem, type OpenFile } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import { openDurableEnds, readDurableEnds, type DurableEnd } from './durable-ends.ts';
import { readLogId } from './log-identity.ts';
import { listSegments, partitionPlaces, segmentPath } from './segment-files.ts';

export interface SettledLog {
  readonly logId: Buffer;
  readonly ends: OpenFile;
}

export function writerLockPath(directory: string): string {
  return join(directory, 'writer.lock');
}

/**
 * Opens what a reader needs: published ends that tell the truth. A live writer publishes them when it opens;
 * without one, a log whose segments do not end where they say is recovered first, which also creates a log
 * that does not exist yet.
 *
 * @param recover takes the writer's lock, recovers and publishes; rejects with `log-locked` when a writer came.
 */
export async function openSettledLog(
  files: FileSystem,
  directory: string,
  recover: () => Promise<void>,
): Promise<SettledLog> {
  for (;;) {
    const owner = await readLockOwner(writerLockPath(directory));
    const found = await tryOpen(files, directory);
    if (
      found !== undefined &&
      (owner !== undefined || (await isSettled(files, directory, found.published)))
    ) {
      return found;
    }
    await found?.ends.close();
    if (owner === undefined) await recoverUnlessLocked(recover);
    else await delay(10);
  }
}

async function tryOpen(files: FileSystem, directory: string) {
  const logId = await readLogId(files, directory);
  const ends = logId && (await openDurableEnds(files, directory));
  if (logId === undefined || ends === undefined) return undefined;
  const published = await readDurableEnds(ends, logId, partitionPlaces(directory).length);
  const complete = published.filter((end) => end !== undefined);
  if (complete.length === published.length) return { logId, ends, published: complete };
  await ends.close();
  return undefined;
}

async function isSettled(
  files: FileSystem,
  directory: string,
  published: readonly DurableEnd[],
): Promise<boolean> {
  for (const [index, place] of partitionPlaces(directory).entries()) {
    const end = published[index];
    const last = (await listSegments(files, place.directory)).at(-1);
    if (end === undefined || last !== end.segmentBase) return false;
    const found = await files.stat(segmentPath(place.directory, last));
    if (found?.size !== end.segmentBytes) return false;
  }
  return true;
}

async function recoverUnlessLocked(recover: () => Promise<void>): Promise<void> {
  try {
    await recover();
  } catch (error) {
    if (!(error instanceof EventLogError) || error.code !== 'log-locked') throw error;
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import { openDurableEnds, readDurableEnds, type DurableEnd } from './durable-ends.ts';
import { readLogId } from './log-identity.ts';
import { listSegments, partitionPlaces, segmentPath } from './segment-files.ts';
import { writerState } from './writer-lock.ts';

export interface SettledLog {
  readonly logId: Buffer;
  readonly ends: OpenFile;
}

/**
 * Opens what a reader needs: published ends that tell the truth. A live writer published them when it opened;
 * without one, a log whose segments do not end where they say is recovered first, which also creates a log
 * that does not exist yet. Where this process may not write, the published ends stand as they are.
 *
 * @param recover takes the writer's lock, recovers and publishes.
 */
export async function openSettledLog(
  files: FileSystem,
  directory: string,
  recover: () => Promise<void>,
): Promise<SettledLog> {
  let mayWrite = true;
  for (;;) {
    const writer = await writerState(directory);
    const found = writer === 'recovering' ? undefined : await tryOpen(files, directory);
    if (found !== undefined) {
      if (writer === 'ready' || !mayWrite || (await isSettled(files, directory, found.published)))
        return found;
      await found.ends.close();
    }
    if (writer !== 'none') await delay(10);
    else mayWrite = await recoverIfAllowed(recover, found !== undefined);
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

/** False when this process may not write; an error when it then has nothing to go by. */
async function recoverIfAllowed(recover: () => Promise<void>, hasPublished: boolean): Promise<boolean> {
  try {
    await recover();
    return true;
  } catch (error) {
    if (!(error instanceof EventLogError)) throw error;
    if (error.code === 'log-locked') return true;
    if (error.code === 'log-directory-unwritable' && hasPublished) return false;
    throw error;
  }
}

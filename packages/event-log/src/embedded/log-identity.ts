import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { linkFileDurably, type FileSystem } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import { decodeHeader, framePrefix, headerBytes } from './frame.ts';
import { listSegments, partitionPlaces, segmentPath } from './segment-files.ts';

/** The random id in every frame of a log; undefined when the directory has no `log.json`. */
export async function readLogId(files: FileSystem, directory: string): Promise<Buffer | undefined> {
  const path = identityPath(directory);
  if ((await files.stat(path)) === undefined) return undefined;
  const text = (await files.readFile(path)).toString('utf8');
  const match = /^\{"format":1,"id":"([0-9a-f]{16})"\}\n$/.exec(text);
  if (match?.[1] === undefined)
    throw formatUnknown(`${path} does not describe an event log of format 1`, path);
  return Buffer.from(match[1], 'hex');
}

/** For the writer. A `log.json` that was lost is written again from what the segments say. */
export async function readOrCreateLogId(files: FileSystem, directory: string): Promise<Buffer> {
  const existing = await readLogId(files, directory);
  if (existing !== undefined) return existing;
  const id = (await idOfSegments(files, directory)) ?? randomBytes(8);
  const text = `{"format":1,"id":"${id.toString('hex')}"}\n`;
  if (await linkFileDurably(files, identityPath(directory), Buffer.from(text))) return id;
  return readOrCreateLogId(files, directory);
}

async function idOfSegments(files: FileSystem, directory: string): Promise<Buffer | undefined> {
  let hasSegments = false;
  for (const place of partitionPlaces(directory)) {
    for (const base of await listSegments(files, place.directory)) {
      hasSegments = true;
      const file = await files.open(segmentPath(place.directory, base), 'read');
      const bytes = await file.read(0, headerBytes);
      await file.close();
      const id = bytes.subarray(4, 12);
      if (decodeHeader(framePrefix(id), bytes, 0) !== undefined) return id;
    }
  }
  // A new id would declare every record in them unreadable.
  if (hasSegments)
    throw formatUnknown(`${directory} holds segments, but no log.json and no readable frame`, directory);
  return undefined;
}

function identityPath(directory: string): string {
  return join(directory, 'log.json');
}

function formatUnknown(problem: string, path: string): EventLogError {
  return new EventLogError({
    code: 'log-format-unknown',
    message: `${problem}.`,
    hint: 'Open it with the version that wrote it, or restore log.json from a backup.',
    details: { path },
  });
}

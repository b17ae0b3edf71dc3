import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { linkFileDurably, type FileSystem } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';

/** The random id in every frame of a log; undefined when the directory holds no log yet. */
export async function readLogId(files: FileSystem, directory: string): Promise<Buffer | undefined> {
  const path = identityPath(directory);
  if ((await files.stat(path)) === undefined) return undefined;
  const text = (await files.readFile(path)).toString('utf8');
  const match = /^\{"format":1,"id":"([0-9a-f]{16})"\}\n$/.exec(text);
  if (match?.[1] === undefined) {
    throw new EventLogError({
      code: 'log-format-unknown',
      message: `${path} does not describe an event log of format 1.`,
      hint: 'Open it with the version that wrote it, or restore log.json from a backup.',
      details: { path },
    });
  }
  return Buffer.from(match[1], 'hex');
}

export async function readOrCreateLogId(files: FileSystem, directory: string): Promise<Buffer> {
  const existing = await readLogId(files, directory);
  if (existing !== undefined) return existing;
  const id = randomBytes(8);
  const text = `{"format":1,"id":"${id.toString('hex')}"}\n`;
  if (await linkFileDurably(files, identityPath(directory), Buffer.from(text))) return id;
  return readOrCreateLogId(files, directory);
}

function identityPath(directory: string): string {
  return join(directory, 'log.json');
}

import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';

/**
 * The secret in front of every hashed event id (event-hashes.ts). It belongs to the index: without it the
 * saved hashes mean nothing. Undefined: there is none, or none that we wrote.
 */
export async function readDedupeSalt(files: FileSystem, directory: string): Promise<string | undefined> {
  const path = join(directory, saltName);
  if ((await files.stat(path)) === undefined) return undefined;
  const salt = (await files.readFile(path)).toString('latin1');
  return /^[0-9a-f]{32}$/.test(salt) ? salt : undefined;
}

export async function createDedupeSalt(files: FileSystem, directory: string): Promise<string> {
  const salt = randomBytes(16).toString('hex');
  const path = join(directory, saltName);
  await writeFileDurably(files, path, Buffer.from(salt, 'latin1'));
  await chmod(path, 0o600);
  return salt;
}

const saltName = 'salt';

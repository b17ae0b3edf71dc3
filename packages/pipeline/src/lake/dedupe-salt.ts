import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';

/**
 * The secret in front of every hashed event id (event-hashes.ts). It belongs to the index: without it the
 * saved hashes mean nothing, so a new salt comes with a rebuild.
 *
 * @returns the salt and whether it was made just now.
 */
export async function openDedupeSalt(
  files: FileSystem,
  directory: string,
): Promise<{ readonly salt: string; readonly fresh: boolean }> {
  await files.makeDirectory(directory);
  const path = join(directory, 'salt');
  if ((await files.stat(path)) !== undefined) {
    const salt = (await files.readFile(path)).toString('latin1');
    if (/^[0-9a-f]{32}$/.test(salt)) return { salt, fresh: false };
  }
  const salt = randomBytes(16).toString('hex');
  await writeFileDurably(files, path, Buffer.from(salt, 'latin1'));
  await chmod(path, 0o600);
  return { salt, fresh: true };
}

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * The token of the admin API (S6.5), made at the first start: 256 random bits in a file that only its owner reads.
 * Deleting the file logs everybody out at the next start.
 */
export async function ensureApiToken(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    // Whoever restored it from a backup may have widened its mode.
    await chmod(path, 0o600);
  }
  return readApiToken(path);
}

export async function readApiToken(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim();
}

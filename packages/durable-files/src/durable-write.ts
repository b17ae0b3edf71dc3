import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { FileSystem } from './file-system.ts';

/** Replaces a file atomically and durably: temp file, sync, rename, sync of the directory. */
export async function writeFileDurably(files: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = await stage(files, path, bytes);
  try {
    await files.rename(temporary, path);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
  await files.syncDirectory(dirname(path));
}

/**
 * Puts a file if its name is free, atomically and durably. Returns false when another writer was first
 * (delta-protocol: a plain rename would overwrite the winner).
 */
export async function linkFileDurably(files: FileSystem, path: string, bytes: Uint8Array): Promise<boolean> {
  const temporary = await stage(files, path, bytes);
  try {
    await files.link(temporary, path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await files.remove(temporary);
  }
  await files.syncDirectory(dirname(path));
  return true;
}

async function stage(files: FileSystem, path: string, bytes: Uint8Array): Promise<string> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  const file = await files.open(temporary, 'create');
  try {
    await file.write([bytes], 0);
    await file.sync();
  } catch (error) {
    await file.close();
    await files.remove(temporary);
    throw error;
  }
  await file.close();
  return temporary;
}

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type FileSystem, linkFileDurably, nodeFileSystem, writeFileDurably } from '@clicklake/durable-files';
import { DeltaError } from '../delta-error.ts';
import { compareKeys, type ObjectStore, type StoredObject } from './object-store.ts';

const stagingRoot = '_staging';
/** The only directory that objects are put into; data files and checkpoints come out of staging. */
const putRoot = '_delta_log';

/** A table in a directory of a local disk. Put-if-absent is a hard link, which never overwrites. */
export function localStore(root: string, files: FileSystem = nodeFileSystem): ObjectStore {
  const absoluteRoot = resolve(root);
  const pathOf = (key: string): string => join(absoluteRoot, key);
  const settled = new Set<string>();

  return {
    async get(key) {
      try {
        return await files.readFile(pathOf(key));
      } catch (error) {
        if (hasCode(error, 'ENOENT')) throw notFound(key, absoluteRoot, error);
        throw error;
      }
    },
    async put(key, bytes) {
      await files.makeDirectory(dirname(pathOf(key)));
      await writeFileDurably(files, pathOf(key), bytes);
    },
    async putIfAbsent(key, bytes) {
      await files.makeDirectory(dirname(pathOf(key)));
      return await linkFileDurably(files, pathOf(key), bytes);
    },
    async head(key) {
      const found = await files.stat(pathOf(key));
      if (found === undefined || found.isDirectory) return undefined;
      return { key, size: found.size, modifiedMs: found.modifiedMs };
    },
    async *list(prefix, startAfter) {
      // A prefix need not end at a directory; names are compared from its last slash on.
      const directory = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      await settle(files, pathOf(directory), settled);
      yield* listDirectory(files, absoluteRoot, directory, prefix, startAfter);
    },
    async remove(keys) {
      const parents = new Set<string>();
      for (const key of keys) {
        await files.remove(pathOf(key));
        parents.add(dirname(pathOf(key)));
      }
      for (const parent of parents) {
        if ((await files.stat(parent)) !== undefined) await files.syncDirectory(parent);
      }
    },
    // DuckDB takes `/` on Windows too, and so do the patterns that find partition values in names.
    location: (key) => pathOf(key).replaceAll('\\', process.platform === 'win32' ? '/' : '\\'),
    async createStaging() {
      const directory = join(absoluteRoot, stagingRoot, randomUUID());
      await files.makeDirectory(directory);
      return directory;
    },
    async adopt(staged) {
      const parents = new Set(staged.map(({ key }) => dirname(pathOf(key))));
      for (const parent of parents) await files.makeDirectory(parent);
      for (const { localPath, key } of staged) {
        await files.syncFile(localPath);
        await files.rename(localPath, pathOf(key));
      }
      for (const parent of parents) await files.syncDirectory(parent);
      return await Promise.all(staged.map(({ key }) => headOf(files, pathOf(key), key)));
    },
    // Nothing under staging is worth durability, and the port has no way to remove a directory.
    discardStaging: (directory) => rm(directory, { recursive: true, force: true }),
    async leftovers() {
      const staged = (await files.list(pathOf(stagingRoot))).map((name) => `${stagingRoot}/${name}`);
      const unnamed = (await files.list(pathOf(putRoot)))
        .filter(isTemporary)
        .map((name) => `${putRoot}/${name}`);
      const found = await Promise.all([...staged, ...unnamed].map((key) => treeOf(files, pathOf(key), key)));
      return found.filter((object) => object !== undefined);
    },
    async discardLeftovers(keys) {
      for (const key of keys) await rm(pathOf(key), { recursive: true, force: true });
    },
  };
}

/** Size and latest change of a file or of a directory with everything in it; undefined when it is gone. */
async function treeOf(files: FileSystem, path: string, key: string): Promise<StoredObject | undefined> {
  const stat = await files.stat(path);
  if (stat === undefined) return undefined;
  if (!stat.isDirectory) return { key, size: stat.size, modifiedMs: stat.modifiedMs };
  let size = 0;
  let { modifiedMs } = stat;
  for (const name of await files.list(path)) {
    const below = await treeOf(files, join(path, name), key);
    size += below?.size ?? 0;
    modifiedMs = Math.max(modifiedMs, below?.modifiedMs ?? 0);
  }
  return { key, size, modifiedMs };
}

/**
 * An earlier process may have died between linking an entry and syncing the directory: the entry is visible
 * and may still vanish with the power. Before anything is built on it, make it last. Once per directory.
 */
async function settle(files: FileSystem, directory: string, settled: Set<string>): Promise<void> {
  if (settled.has(directory)) return;
  if ((await files.stat(directory)) === undefined) return;
  await files.syncDirectory(directory);
  settled.add(directory);
}

async function* listDirectory(
  files: FileSystem,
  root: string,
  directory: string,
  prefix: string,
  startAfter: string | undefined,
): AsyncGenerator<StoredObject> {
  const names = (await files.list(join(root, directory))).filter((name) => !isTemporary(name));
  const keys = names.map((name) => directory + name).filter((key) => !isBefore(key, prefix, startAfter));
  for (const key of await inListOrder(files, root, keys.sort(compareKeys))) {
    // Looked at one by one as they are asked for: who stops early pays for no more.
    const name = key.endsWith('/') ? key.slice(0, -1) : key;
    const stat = await files.stat(join(root, name));
    if (stat === undefined) continue;
    if (stat.isDirectory) {
      yield* listDirectory(files, root, `${name}/`, prefix, startAfter);
    } else if (name.startsWith(prefix) && (startAfter === undefined || compareKeys(name, startAfter) > 0)) {
      yield { key: name, size: stat.size, modifiedMs: stat.modifiedMs };
    }
  }
}

/**
 * What lies in the directory `a` sorts as `a/`, after a file `a-`. So only a name that begins another one needs
 * to be known as a directory before its turn.
 */
async function inListOrder(
  files: FileSystem,
  root: string,
  sorted: readonly string[],
): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const [index, key] of sorted.entries()) {
    const begins = sorted[index + 1]?.startsWith(key) === true;
    keys.push(begins && (await files.stat(join(root, key)))?.isDirectory === true ? `${key}/` : key);
  }
  return keys.sort(compareKeys);
}

/** Whether neither this name nor anything below it can be in the answer: it is then not even looked at. */
function isBefore(key: string, prefix: string, startAfter: string | undefined): boolean {
  if (!key.startsWith(prefix) && !prefix.startsWith(`${key}/`)) return true;
  if (startAfter === undefined) return false;
  return (
    compareKeys(key, startAfter) <= 0 &&
    !startAfter.startsWith(`${key}/`) &&
    compareKeys(`${key}/`, startAfter) < 0
  );
}

/** What a crash leaves of a write that had not got its name yet. */
function isTemporary(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.tmp');
}

async function headOf(files: FileSystem, path: string, key: string): Promise<StoredObject> {
  const stat = await files.stat(path);
  if (stat === undefined) throw notFound(key, path, undefined);
  return { key, size: stat.size, modifiedMs: Math.floor(stat.modifiedMs) };
}

function notFound(key: string, root: string, cause: unknown): DeltaError {
  return new DeltaError({
    code: 'store-not-found',
    message: `${key} does not exist under ${root}.`,
    hint: 'Check the path; if a table still refers to it, restore the file or an older version of the table.',
    details: { key, root },
    cause,
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

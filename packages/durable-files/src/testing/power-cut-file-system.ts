import { readdirSync, readFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { FileSystem, OpenFile } from '../file-system.ts';
import { nodeFileSystem } from '../node-file-system.ts';
import { directoryEntries, type DirectoryEntries, type Entry } from './directory-entries.ts';
import { seededRandom } from './seeded-random.ts';
import { tornContent } from './torn-content.ts';
import { trackedFile, type TrackedFile } from './tracked-file.ts';

export interface PowerCutFileSystem extends FileSystem {
  /**
   * Takes the power away: every handle and this file system fail from now on, and the root becomes what a
   * disk might show at the next start. Whoever starts again opens a new file system over the root.
   */
  cut(): Promise<void>;
}

/**
 * The machine's files below `root`, remembering what was synced. What is there at the start is durable.
 * Pessimistic as POSIX allows (S5.2): syncing a file says nothing about its name, syncing a directory nothing
 * about the files in it, and unsynced changes reach the disk in any order or not at all. Files that something
 * else writes below the root (DuckDB) count as unsynced until `syncFile`, their names until `syncDirectory`.
 *
 * Lock files (`*.lock`, and what stands beside them) never survive: their owner is gone, which a test that
 * plays both lives in one process could not show.
 *
 * @param seed the same seed and the same sequence of calls give the same disk.
 */
export function powerCutFileSystem(root: string, seed: number): PowerCutFileSystem {
  const top = resolve(root);
  const random = seededRandom(seed);
  const entries: DirectoryEntries<TrackedFile> = directoryEntries(top);
  let isOff = false;
  let running = 0;
  let onIdle: (() => void) | undefined;
  adoptNow(top, entries);

  function assertPower(): void {
    if (isOff) throw Object.assign(new Error('EIO: the power is off'), { code: 'EIO' });
  }

  /** Runs one call; what was under way when the power went may have happened, but nobody hears of it. */
  async function powered<T>(work: () => Promise<T>): Promise<T> {
    assertPower();
    running += 1;
    try {
      const result = await work();
      assertPower();
      return result;
    } finally {
      running -= 1;
      if (running === 0) onIdle?.();
    }
  }

  function fileAt(path: string): TrackedFile {
    const known = entries.get(path);
    if (known?.kind === 'file') return known.file;
    const file = trackedFile();
    entries.change([[path, { kind: 'file', file }]]);
    return file;
  }

  function entryAt(path: string): Entry<TrackedFile> {
    return entries.get(path) ?? { kind: 'file', file: fileAt(path) };
  }

  /** Names that something else created count as created now. */
  async function discover(directory: string): Promise<void> {
    for (const found of await fs.readdir(directory, { withFileTypes: true })) {
      const path = join(directory, found.name);
      if (entries.get(path) !== undefined) continue;
      if (found.isDirectory()) entries.change([[path, { kind: 'directory' }]]);
      else fileAt(path);
    }
    for (const [path] of entries.all()) {
      if (dirname(path) === directory && !(await exists(path))) entries.change([[path, undefined]]);
    }
  }

  async function discoverAll(directory: string): Promise<void> {
    await discover(directory);
    for (const found of await fs.readdir(directory, { withFileTypes: true })) {
      if (found.isDirectory()) await discoverAll(join(directory, found.name));
    }
  }

  function openFile(handle: OpenFile, file: TrackedFile): OpenFile {
    return {
      read: (position, length, into) => powered(() => handle.read(position, length, into)),
      write: (buffers, position) =>
        powered(() => {
          file.wrote(
            position,
            buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0),
          );
          return handle.write(buffers, position);
        }),
      truncate: (length) =>
        powered(async () => {
          file.wrote(length, Math.max(0, (await handle.size()) - length));
          await handle.truncate(length);
        }),
      size: () => powered(() => handle.size()),
      sync: () => powered(() => file.synced(handle)),
      // Closing is allowed without power, so that a test can tidy up.
      close: () => handle.close(),
    };
  }

  return {
    open: (path, mode) =>
      powered(async () => {
        const full = resolve(path);
        const handle = await nodeFileSystem.open(full, mode);
        if (isOff) await handle.close();
        if (mode === 'create') entries.change([[full, { kind: 'file', file: trackedFile() }]]);
        return openFile(handle, fileAt(full));
      }),
    readFile: (path) => powered(() => nodeFileSystem.readFile(path)),
    stat: (path) => powered(() => nodeFileSystem.stat(path)),
    list: (directory) => powered(() => nodeFileSystem.list(directory)),
    makeDirectory: (path) =>
      powered(async () => {
        const full = resolve(path);
        await fs.mkdir(full, { recursive: true });
        for (let made = full; made.length > top.length; made = dirname(made)) {
          if (entries.get(made) === undefined) entries.change([[made, { kind: 'directory' }]]);
          entries.sync(dirname(made));
        }
      }),
    rename: (from, to) =>
      powered(async () => {
        const [source, target] = [resolve(from), resolve(to)];
        const entry = entryAt(source);
        await nodeFileSystem.rename(source, target);
        entries.change([
          [source, undefined],
          [target, entry],
        ]);
      }),
    link: (from, to) =>
      powered(async () => {
        await nodeFileSystem.link(from, to);
        entries.change([[resolve(to), entryAt(resolve(from))]]);
      }),
    remove: (path) =>
      powered(async () => {
        await nodeFileSystem.remove(path);
        if (entries.get(resolve(path)) !== undefined) entries.change([[resolve(path), undefined]]);
      }),
    syncDirectory: (path) =>
      powered(async () => {
        await discover(resolve(path));
        entries.sync(resolve(path));
      }),
    syncFile: (path) =>
      powered(async () => {
        const content = await nodeFileSystem.readFile(path);
        fileAt(resolve(path)).syncedAs(content);
      }),
    freeBytes: (path) => powered(() => nodeFileSystem.freeBytes(path)),
    async cut() {
      if (isOff) return;
      isOff = true;
      if (running > 0) await new Promise<void>((idle) => (onIdle = idle));
      await discoverAll(top);
      const written = await readAll(entries.all());
      const survived = entries.afterCut(random);
      await rewrite(top, survived, (file) =>
        tornContent(file.content(), written.get(file) ?? file.content(), random),
      );
    },
  };
}

function adoptNow(directory: string, entries: DirectoryEntries<TrackedFile>): void {
  for (const found of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, found.name);
    if (found.isDirectory()) {
      entries.change([[path, { kind: 'directory' }]]);
      adoptNow(path, entries);
    } else {
      entries.change([[path, { kind: 'file', file: trackedFile(readFileSync(path)) }]]);
    }
  }
  entries.sync(directory);
}

async function readAll(entries: ReadonlyMap<string, Entry<TrackedFile>>): Promise<Map<TrackedFile, Buffer>> {
  const contents = new Map<TrackedFile, Buffer>();
  for (const [path, entry] of entries) {
    if (entry.kind === 'file' && !contents.has(entry.file))
      contents.set(entry.file, await readUnlessGone(path));
  }
  return contents;
}

/** What something else writes beside this layer (DuckDB) it may just have taken away: nothing of it was synced. */
async function readUnlessGone(path: string): Promise<Buffer> {
  try {
    return await fs.readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

async function rewrite(
  root: string,
  entries: ReadonlyMap<string, Entry<TrackedFile>>,
  contentOf: (file: TrackedFile) => Buffer,
): Promise<void> {
  for (const name of await fs.readdir(root)) await fs.rm(join(root, name), { recursive: true });
  const placed = new Map<TrackedFile, string>();
  // Parents sort before what is in them.
  for (const [path, entry] of [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (entry.kind === 'directory') await fs.mkdir(path);
    else if (!/\.lock(\.|$)/.test(path.slice(dirname(path).length))) {
      const first = placed.get(entry.file);
      if (first === undefined) await fs.writeFile(path, contentOf(entry.file));
      else await fs.link(first, path);
      placed.set(entry.file, first ?? path);
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return (await nodeFileSystem.stat(path)) !== undefined;
}

import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FileSystem, OpenFile, OpenMode } from './file-system.ts';

const flags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
  append: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

/** The machine's own files. */
export const nodeFileSystem: FileSystem = {
  async open(path, mode) {
    return openFile(await fs.open(path, flags[mode], 0o644));
  },
  readFile: (path) => fs.readFile(path),
  async stat(path) {
    try {
      const found = await fs.stat(path);
      return { size: found.size, modifiedMs: found.mtimeMs, isDirectory: found.isDirectory() };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
  },
  async list(directory) {
    try {
      return await fs.readdir(directory);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return [];
      throw error;
    }
  },
  async makeDirectory(path) {
    const first = await fs.mkdir(path, { recursive: true });
    if (first === undefined) return;
    // Each new entry lives in its parent: walk from the leaf up to the parent of the first one made.
    for (let made = path; made.length >= first.length; made = dirname(made)) {
      await syncDirectory(dirname(made));
    }
  },
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (path) => fs.rm(path, { force: true }),
  syncDirectory,
  async syncFile(path) {
    const handle = await fs.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async freeBytes(path) {
    const found = await fs.statfs(path);
    return found.bavail * found.bsize;
  },
};

function openFile(handle: fs.FileHandle): OpenFile {
  return {
    async read(position, length, into) {
      const buffer = into ?? Buffer.allocUnsafe(length);
      let filled = 0;
      while (filled < length) {
        const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    },
    write: (buffers, position) => writeAll(handle, buffers, position),
    truncate: (length) => handle.truncate(length),
    async size() {
      return (await handle.stat()).size;
    },
    sync: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** writev may stop early (a full disk, a signal): go on from where it stopped until it says why. */
async function writeAll(
  handle: fs.FileHandle,
  buffers: readonly Uint8Array[],
  position: number,
): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest.slice(0, 1024), at);
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  let index = 0;
  for (; index < buffers.length; index += 1) {
    const length = buffers[index]?.byteLength ?? 0;
    if (left < length) break;
    left -= length;
  }
  const [partial, ...after] = buffers.slice(index);
  return partial === undefined ? [] : [partial.subarray(left), ...after];
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory for sync; NTFS journals its entries.
  if (process.platform === 'win32') return;
  const handle = await fs.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

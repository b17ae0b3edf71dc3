import type { FileSystem, OpenFile } from '../file-system.ts';

/** What goes wrong, and when; changed by the test while the file system is in use. */
export interface Faults {
  /**
   * Bytes by which files can still grow before `ENOSPC`; the write that meets the end is cut short, as on a disk.
   * Overwriting what is there needs no room.
   */
  bytesLeft: number;
  /** Syncs (of files) that still succeed before every other one fails with `EIO`. */
  syncsLeft: number;
  /** Truncations that still succeed before `EIO`. */
  truncatesLeft: number;
  /** Everything that would change the disk answers `EROFS`. */
  readOnly: boolean;
}

export function noFaults(): Faults {
  return {
    bytesLeft: Number.POSITIVE_INFINITY,
    syncsLeft: Number.POSITIVE_INFINITY,
    truncatesLeft: Number.POSITIVE_INFINITY,
    readOnly: false,
  };
}

/** A file system whose disk fills up, breaks, or was mounted read-only. */
export function faultyFileSystem(files: FileSystem, faults: Faults): FileSystem {
  const changing = async <T>(work: () => Promise<T>): Promise<T> => {
    if (faults.readOnly) throw diskError('EROFS', 'read-only file system');
    return work();
  };
  const syncing = (work: () => Promise<void>) =>
    changing(() => {
      faults.syncsLeft -= 1;
      if (faults.syncsLeft < 0) throw diskError('EIO', 'i/o error');
      return work();
    });

  const openFile = (file: OpenFile): OpenFile => ({
    ...file,
    write: (buffers, position) =>
      changing(async () => {
        const all = Buffer.concat(buffers);
        const overwritten = Math.max(0, Math.min(all.length, (await file.size()) - position));
        const grown = Math.max(0, Math.min(all.length - overwritten, faults.bytesLeft));
        const fits = overwritten + grown;
        faults.bytesLeft -= grown;
        await file.write([all.subarray(0, fits)], position);
        if (fits < all.length) throw diskError('ENOSPC', 'no space left on device');
      }),
    truncate: (length) =>
      changing(() => {
        faults.truncatesLeft -= 1;
        if (faults.truncatesLeft < 0) throw diskError('EIO', 'i/o error');
        return file.truncate(length);
      }),
    sync: () => syncing(() => file.sync()),
  });

  return {
    ...files,
    async open(path, mode) {
      if (mode === 'read') return openFile(await files.open(path, mode));
      return changing(async () => openFile(await files.open(path, mode)));
    },
    makeDirectory: (path) =>
      faults.readOnly ? assertDirectory(files, path) : changing(() => files.makeDirectory(path)),
    rename: (from, to) => changing(() => files.rename(from, to)),
    link: (from, to) => changing(() => files.link(from, to)),
    remove: (path) => changing(() => files.remove(path)),
    syncFile: (path) => syncing(() => files.syncFile(path)),
  };
}

async function assertDirectory(files: FileSystem, path: string): Promise<void> {
  if ((await files.stat(path)) === undefined) throw diskError('EROFS', 'read-only file system');
}

function diskError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}

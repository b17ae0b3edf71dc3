import type { FileSystem } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import type { CompleteLogOptions } from './embedded-log-options.ts';

/** Asking the file system for its free bytes is asynchronous, `append` is not: it goes by the last answer. */
const askEveryMs = 1000;
/** Encoded but not yet durable bytes: beyond this the disk does not keep up, and memory is not the buffer. */
const maxPendingBytes = 256 << 20;

/** Decides, before anything is written, whether there is room (S5.3). */
export interface DiskRoom {
  /** @throws EventLogError `log-full`. */
  check(usedBytes: number, pendingBytes: number): void;
  refresh(usedBytes: number): Promise<void>;
}

export function diskRoom(options: CompleteLogOptions): DiskRoom {
  const { files, directory, maxDiskBytes, minFreeBytes } = options;
  let freeBytes = Number.POSITIVE_INFINITY;
  let usedWhenAsked = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking = false;

  async function ask(usedBytes: number): Promise<void> {
    if (asking) return;
    asking = true;
    try {
      freeBytes = await freeOrUnknown(files, directory);
      usedWhenAsked = usedBytes;
      askedAt = performance.now();
    } finally {
      asking = false;
    }
  }

  return {
    check(usedBytes, pendingBytes) {
      if (performance.now() - askedAt > askEveryMs) void ask(usedBytes);
      if (usedBytes + pendingBytes > maxDiskBytes) {
        throw full(`The event log reached its limit of ${maxDiskBytes} bytes on disk.`, 'max-disk-bytes');
      }
      if (freeBytes - (usedBytes - usedWhenAsked) - pendingBytes < minFreeBytes) {
        throw full(`The disk of the event log has less than ${minFreeBytes} bytes left.`, 'min-free-bytes');
      }
      if (pendingBytes > maxPendingBytes) {
        throw full(`${pendingBytes} bytes wait to be written: the disk does not keep up.`, 'pending-bytes');
      }
    },
    refresh: ask,
  };
}

async function freeOrUnknown(files: FileSystem, directory: string): Promise<number> {
  // Some file systems cannot tell; then the disk itself says when it is full.
  return files.freeBytes(directory).catch(() => Number.POSITIVE_INFINITY);
}

function full(message: string, limit: string): EventLogError {
  return new EventLogError({
    code: 'log-full',
    message: `${message} Nothing was accepted.`,
    hint: 'Free space, raise the limit, or shorten retention; appending goes on by itself.',
    retryable: true,
    details: { limit },
  });
}

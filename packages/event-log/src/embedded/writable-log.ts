import type { Lock, OpenFile } from '@clicklake/durable-files';
import { EventLogError } from '../event-log-error.ts';
import type { AppendSignal } from './append-signal.ts';
import { durableEndsPath, encodeDurableEnds, openDurableEnds, readDurableEnds } from './durable-ends.ts';
import type { CompleteLogOptions } from './embedded-log-options.ts';
import { readOrCreateLogId } from './log-identity.ts';
import { openPartitionWriter, type PartitionWriter } from './partition-writer.ts';
import { partitionPlaces } from './segment-files.ts';
import { lockForWriting } from './writer-lock.ts';

/** A log that is locked, recovered and published. */
export interface WritableLog {
  readonly logId: Buffer;
  readonly partitions: readonly PartitionWriter[];
  /** Tells readers how far each partition is durable now. */
  publish(): Promise<void>;
  /** @param sound whether nothing failed: the published ends are then made durable too. */
  close(sound: boolean): Promise<void>;
}

export async function openWritableLog(
  options: CompleteLogOptions,
  signal: AppendSignal,
): Promise<WritableLog> {
  const { directory, files, role } = options;
  try {
    await files.makeDirectory(directory);
    const lock = await lockForWriting(directory);
    try {
      const log = await recoverAll(options, signal, lock);
      await lock.describe({ role });
      return log;
    } catch (error) {
      await lock.release();
      throw error;
    }
  } catch (error) {
    throw isRefusal(error) ? unwritable(directory, error) : error;
  }
}

/** The file system says that this process may not write. */
export function isRefusal(error: unknown): error is Error {
  return (
    error instanceof Error && 'code' in error && ['EROFS', 'EACCES', 'EPERM'].includes(String(error.code))
  );
}

async function recoverAll(
  options: CompleteLogOptions,
  signal: AppendSignal,
  lock: Lock,
): Promise<WritableLog> {
  const { directory, files } = options;
  const logId = await readOrCreateLogId(files, directory);
  const partitions = await openPartitions(options, logId);
  let ends: OpenFile | undefined;
  try {
    ends = await files.open(durableEndsPath(directory), 'append');
    await files.syncDirectory(directory);
    const log = writableLog(logId, partitions, ends, signal, lock);
    await log.publish();
    signal.writerIsOpen = true;
    return log;
  } catch (error) {
    await Promise.allSettled([ends?.close(), closeAll(partitions)]);
    throw error;
  }
}

async function openPartitions(
  options: CompleteLogOptions,
  logId: Buffer,
): Promise<readonly PartitionWriter[]> {
  const { directory, files, crashPoints, segmentBytes } = options;
  const places = partitionPlaces(directory);
  const published = await publishedBefore(options, logId, places.length);
  const opening = await Promise.allSettled(
    places.map((place, index) =>
      openPartitionWriter({ files, crashPoints, segmentBytes, logId }, place, published[index]),
    ),
  );
  const opened = opening.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = opening.find((result) => result.status === 'rejected');
  if (failed === undefined) return opened;
  await closeAll(opened);
  throw failed.reason;
}

function writableLog(
  logId: Buffer,
  partitions: readonly PartitionWriter[],
  ends: OpenFile,
  signal: AppendSignal,
  lock: Lock,
): WritableLog {
  return {
    logId,
    partitions,
    async publish() {
      const current = partitions.map(({ end }) => end);
      await ends.write([encodeDurableEnds(logId, current)], 0);
      signal.publish();
    },
    async close(sound) {
      signal.writerIsOpen = false;
      await closeAll(partitions);
      // A power cut after a clean stop then leaves the next start nothing to scan; without, it scans.
      if (sound) await ends.sync().catch(() => undefined);
      await ends.close();
      await lock.release();
    },
  };
}

async function closeAll(partitions: readonly PartitionWriter[]): Promise<void> {
  for (const partition of partitions) await partition.close();
}

async function publishedBefore({ files, directory }: CompleteLogOptions, logId: Buffer, partitions: number) {
  const file = await openDurableEnds(files, directory);
  if (file === undefined) return [];
  try {
    return await readDurableEnds(file, logId, partitions);
  } finally {
    await file.close();
  }
}

function unwritable(directory: string, cause: Error): EventLogError {
  return new EventLogError({
    code: 'log-directory-unwritable',
    message: `The event log in ${directory} cannot be opened for writing: ${cause.message}.`,
    hint: 'Give this user write access to the directory, or choose another directory for the lake.',
    details: { directory },
    cause,
  });
}

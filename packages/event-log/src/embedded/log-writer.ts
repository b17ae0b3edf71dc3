import { acquireLock, DurableFilesError, type Lock } from '@clicklake/durable-files';
import {
  type LogWriter,
  type NewRecord,
  type OffsetRange,
  type RecordPosition,
  type Topic,
} from '../event-log.ts';
import { EventLogError } from '../event-log-error.ts';
import { murmur2, partitionOfHash } from '../partitioner.ts';
import type { AppendSignal } from './append-signal.ts';
import { durableEndsPath, encodeDurableEnds, openDurableEnds, readDurableEnds } from './durable-ends.ts';
import type { CompleteLogOptions } from './embedded-log-options.ts';
import { diskRoom } from './disk-room.ts';
import { entryBytes, framePrefix, judgedByMaxBytes } from './frame.ts';
import { groupCommit, type Group } from './group-commit.ts';
import { readOrCreateLogId } from './log-identity.ts';
import { openPartitionWriter, type PartitionWriter } from './partition-writer.ts';
import { unionOf } from './offset-ranges.ts';
import { partitionReader } from './partition-reader.ts';
import { scanPartition } from './corrupt-ranges.ts';
import { deleteExpired, totalBytes } from './retention.ts';
import { partitionPlaces } from './segment-files.ts';
import { writerLockPath } from './settled-log.ts';
import { readSkipped, writeSkipped } from './skipped-ranges.ts';

/** A record's limit, far beyond what the collector lets in: a frame's lengths are 32 bits. */
const maxValueBytes = 256 << 20;

export async function openLogWriter(options: CompleteLogOptions, signal: AppendSignal): Promise<LogWriter> {
  const { directory, files } = options;
  await files.makeDirectory(directory);
  const lock = await lockLog(options);
  try {
    return await openLocked(options, signal, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(options: CompleteLogOptions, signal: AppendSignal, lock: Lock): Promise<LogWriter> {
  const { directory, files, crashPoints } = options;
  const logId = await readOrCreateLogId(files, directory);
  const places = partitionPlaces(directory);
  const published = await publishedEnds(options, logId, places.length);
  const partitions = await Promise.all(
    places.map((place, index) =>
      openPartitionWriter(
        { files, crashPoints, segmentBytes: options.segmentBytes, logId },
        place,
        published[index],
      ),
    ),
  );
  const ends = await files.open(durableEndsPath(directory), 'append');
  const publish = async () => {
    await ends.write(
      [
        encodeDurableEnds(
          logId,
          partitions.map(({ end }) => end),
        ),
      ],
      0,
    );
    signal.publish();
  };
  await publish();
  signal.writerIsOpen = true;

  const commits = groupCommit(partitions, crashPoints, publish);
  const room = diskRoom(options);
  await room.refresh();
  const byTopic = groupByTopic(partitions);
  let closing: Promise<void> | undefined;

  async function close(): Promise<void> {
    await commits.idle();
    signal.writerIsOpen = false;
    for (const partition of partitions) await partition.close();
    // Without a crash the published ends survive a power cut too, and the next start has nothing to scan.
    if (commits.failure() === undefined) await ends.sync().catch(() => undefined);
    await ends.close();
    await lock.release();
  }

  function assertOpen(): void {
    const failure = commits.failure();
    if (failure !== undefined) throw failure;
    if (closing !== undefined) throw closed();
  }

  return {
    append(records) {
      try {
        assertOpen();
        for (const record of records) assertStorable(record);
        const group = commits.current();
        room.check(totalBytes(partitions), group.bytes() + estimatedBytes(records));
        if (records.length === 0) return Promise.resolve([]);
        const positions = records.map((record) => add(record, group, byTopic));
        commits.request();
        return group.done.then(() => positions);
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    },
    lastTimestamp: () => Math.max(...partitions.map((partition) => partition.lastTimestamp())),
    applyRetention(keepFrom) {
      return commits.exclusively(async () => {
        assertOpen();
        const limits = {
          expireBefore: options.clock() - options.retentionMs,
          maxBytes: options.retentionBytes,
        };
        const report = await deleteExpired(partitions, keepFrom, limits);
        if (report.deletedSegments > 0) await publish();
        return report;
      });
    },
    skipCorrupt(topic, partition) {
      return commits.exclusively(async () => {
        assertOpen();
        const found = byTopic[topic].partitions[partition];
        return found === undefined ? [] : giveUpCorrupt(options, logId, found);
      });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

interface TopicWriters {
  readonly partitions: readonly PartitionWriter[];
  /** Index of the topic's first partition among all. */
  readonly first: number;
}

function groupByTopic(partitions: readonly PartitionWriter[]): Readonly<Record<Topic, TopicWriters>> {
  const of = (topic: Topic): TopicWriters => ({
    partitions: partitions.filter((partition) => partition.place.topic === topic),
    first: partitions.findIndex((partition) => partition.place.topic === topic),
  });
  return { 'clickstream-events': of('clickstream-events'), 'clickstream-errors': of('clickstream-errors') };
}

/** Gives a record its partition and offset, and encodes it into the group. */
function add(
  record: NewRecord,
  group: Group,
  byTopic: Readonly<Record<Topic, TopicWriters>>,
): RecordPosition {
  const { partitions, first } = byTopic[record.topic];
  const key = record.key === null ? null : keyBytes(record.key);
  const index = key === null ? 0 : partitionOfHash(murmur2(key, 0, key.length), partitions.length);
  const partition = partitions[index];
  const buffer = group.buffers[first + index];
  if (partition === undefined || buffer === undefined) throw new RangeError(`no partition ${index}`);
  return { partition: index, offset: partition.add(buffer, record, key) };
}

const keyScratch = Buffer.allocUnsafeSlow(4096);

/** The UTF-8 bytes of a key, valid until the next call. */
function keyBytes(key: string): Uint8Array {
  if (key.length * 3 > keyScratch.length) return Buffer.from(key, 'utf8');
  return keyScratch.subarray(0, keyScratch.write(key, 'utf8'));
}

/** What the records take at least: strings count a byte per character. */
function estimatedBytes(records: readonly NewRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length + entryBytes, 0);
}

function assertStorable({ topic, value, judgedBy, timestamp }: NewRecord): void {
  const problem =
    value.length > maxValueBytes
      ? `its value has more than ${maxValueBytes} bytes`
      : judgedBy !== null && Buffer.byteLength(judgedBy) > judgedByMaxBytes
        ? `its judgedBy has more than ${judgedByMaxBytes} bytes`
        : !Number.isSafeInteger(timestamp) || timestamp < 0
          ? `its timestamp is ${timestamp}`
          : undefined;
  if (problem === undefined) return;
  throw new EventLogError({
    code: 'log-invalid-record',
    message: `A record of ${topic} cannot be stored: ${problem}.`,
    hint: 'Refuse such a record before it reaches the log.',
  });
}

async function publishedEnds(options: CompleteLogOptions, logId: Buffer, partitions: number) {
  const file = await openDurableEnds(options.files, options.directory);
  if (file === undefined) return [];
  try {
    return await readDurableEnds(file, logId, partitions);
  } finally {
    await file.close();
  }
}

async function lockLog({ directory, role }: CompleteLogOptions): Promise<Lock> {
  try {
    return await acquireLock(writerLockPath(directory), role, `The event log ${directory}`);
  } catch (error) {
    if (!(error instanceof DurableFilesError)) throw error;
    throw new EventLogError({
      code: 'log-locked',
      message: error.message,
      hint: error.hint,
      details: error.details,
      cause: error,
    });
  }
}

function closed(): EventLogError {
  return new EventLogError({
    code: 'log-closed',
    message: 'The log writer is closed.',
    hint: 'Open it again.',
  });
}

async function giveUpCorrupt(
  { files }: CompleteLogOptions,
  logId: Buffer,
  { place: { directory }, end }: PartitionWriter,
): Promise<readonly OffsetRange[]> {
  const reader = partitionReader(files, directory, framePrefix(logId));
  try {
    const skipped = unionOf(await readSkipped(files, directory));
    const { corrupt } = await scanPartition(reader, { from: end.startOffset, end, skipped });
    if (corrupt.length > 0) await writeSkipped(files, directory, unionOf([...skipped, ...corrupt]));
    return corrupt;
  } finally {
    await reader.close();
  }
}

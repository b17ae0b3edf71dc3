import type { BlockPositions, LogWriter, OffsetRange } from '../event-log.ts';
import { EventLogError } from '../event-log-error.ts';
import type { AppendSignal } from './append-signal.ts';
import { assertBlockStorable, placeBlock } from './block-placement.ts';
import { scanPartition } from './corrupt-ranges.ts';
import { diskRoom } from './disk-room.ts';
import type { CompleteLogOptions } from './embedded-log-options.ts';
import { entryBytes, framePrefix } from './frame.ts';
import { groupCommit } from './group-commit.ts';
import { unionOf } from './offset-ranges.ts';
import { partitionReader } from './partition-reader.ts';
import type { PartitionWriter } from './partition-writer.ts';
import { assertStorable, estimatedBytes, placeRecord, writersByTopic } from './record-placement.ts';
import { deleteExpired, totalBytes } from './retention.ts';
import { readSkipped, writeSkipped } from './skipped-ranges.ts';
import { openWritableLog } from './writable-log.ts';

export async function openLogWriter(options: CompleteLogOptions, signal: AppendSignal): Promise<LogWriter> {
  const log = await openWritableLog(options, signal);
  const { partitions, logId } = log;
  const writers = writersByTopic(partitions);
  const commits = groupCommit(partitions, options.crashPoints, () => log.publish());
  const room = diskRoom(options);
  await room.refresh(totalBytes(partitions));
  let closing: Promise<void> | undefined;

  function assertOpen(): void {
    const failure = commits.failure();
    if (failure !== undefined) throw failure;
    if (closing !== undefined) throw closedError();
  }

  async function close(): Promise<void> {
    await commits.idle();
    await log.close(commits.failure() === undefined);
  }

  return {
    append(records) {
      try {
        assertOpen();
        if (records.length === 0) return Promise.resolve([]);
        for (const record of records) assertStorable(record);
        room.check(totalBytes(partitions), commits.pendingBytes() + estimatedBytes(records));
        const group = commits.current();
        const positions = records.map((record) => placeRecord(record, group, writers));
        commits.request();
        return group.done.then(() => positions);
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    },
    appendBlock(block) {
      try {
        assertOpen();
        if (block.count === 0) return Promise.resolve(noPositions);
        assertBlockStorable(block);
        room.check(
          totalBytes(partitions),
          commits.pendingBytes() + block.bytes.length + block.count * entryBytes,
        );
        const group = commits.current();
        const positions = placeBlock(block, group, writers);
        commits.request();
        return group.done.then(() => positions);
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
    },
    lastTimestamp: () => Math.max(...partitions.map((partition) => partition.lastTimestamp())),
    applyRetention(keepFrom) {
      return commits.exclusively(() => {
        assertOpen();
        const limits = {
          expireBefore: options.clock() - options.retentionMs,
          maxBytes: options.retentionBytes,
        };
        return deleteExpired(partitions, keepFrom, limits, () => log.publish());
      });
    },
    skipCorrupt(topic, partition) {
      return commits.exclusively(async () => {
        assertOpen();
        const found = writers[topic].partitions[partition];
        return found === undefined ? [] : giveUpCorrupt(options, logId, found);
      });
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

const noPositions: BlockPositions = { partitions: new Uint8Array(0), offsets: new BigInt64Array(0) };

async function giveUpCorrupt(
  { files, crashPoints }: CompleteLogOptions,
  logId: Buffer,
  { place: { directory }, end }: PartitionWriter,
): Promise<readonly OffsetRange[]> {
  const reader = partitionReader(files, directory, framePrefix(logId));
  const skipped = unionOf(await readSkipped(files, directory));
  const { corrupt } = await scanPartition(reader, { from: end.startOffset, end, skipped });
  if (corrupt.length === 0) return corrupt;
  crashPoints.reach('log-skip-before-record');
  await writeSkipped(files, directory, unionOf([...skipped, ...corrupt]));
  crashPoints.reach('log-skip-recorded');
  return corrupt;
}

function closedError(): EventLogError {
  return new EventLogError({
    code: 'log-closed',
    message: 'The log writer is closed.',
    hint: 'Open it again.',
  });
}

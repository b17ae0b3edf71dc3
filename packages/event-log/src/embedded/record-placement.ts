import type { NewRecord, RecordPosition, Topic } from '../event-log.ts';
import { EventLogError } from '../event-log-error.ts';
import { murmur2, partitionOfHash } from '../partitioner.ts';
import { entryBytes, judgedByMaxBytes } from './frame.ts';
import type { Group } from './group-commit.ts';
import type { PartitionWriter } from './partition-writer.ts';

/** A record's limit, far beyond what the collector lets in: a frame's lengths are 32 bits. */
export const maxValueBytes = 256 << 20;

/** A topic's partitions, and the index of the first of them among all. */
export interface TopicWriters {
  readonly partitions: readonly PartitionWriter[];
  readonly first: number;
}

export function writersByTopic(
  partitions: readonly PartitionWriter[],
): Readonly<Record<Topic, TopicWriters>> {
  const of = (topic: Topic): TopicWriters => ({
    partitions: partitions.filter((partition) => partition.place.topic === topic),
    first: partitions.findIndex((partition) => partition.place.topic === topic),
  });
  return { 'clickstream-events': of('clickstream-events'), 'clickstream-errors': of('clickstream-errors') };
}

/** Gives a record its partition and offset, and encodes it into the group. */
export function placeRecord(
  record: NewRecord,
  group: Group,
  writers: Readonly<Record<Topic, TopicWriters>>,
): RecordPosition {
  const { partitions, first } = writers[record.topic];
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
  if (key.length <= 64) {
    let at = 0;
    for (; at < key.length; at += 1) {
      const code = key.charCodeAt(at);
      if (code >= 0x80) break;
      keyScratch[at] = code;
    }
    if (at === key.length) return keyScratch.subarray(0, at);
  }
  return keyScratch.subarray(0, keyScratch.write(key, 'utf8'));
}

/** What the records take at least: strings count a byte per character. */
export function estimatedBytes(records: readonly NewRecord[]): number {
  return records.reduce((sum, { value }) => sum + value.length + entryBytes, 0);
}

/** @throws EventLogError `log-invalid-record`. */
export function assertStorable({ topic, value, judgedBy, timestamp }: NewRecord): void {
  if (value.length > maxValueBytes)
    throw notStorable(topic, `its value has more than ${maxValueBytes} bytes`);
  if (judgedBy !== null && Buffer.byteLength(judgedBy) > judgedByMaxBytes) {
    throw notStorable(topic, `its judgedBy has more than ${judgedByMaxBytes} bytes`);
  }
  if (!Number.isSafeInteger(timestamp) || timestamp < 0)
    throw notStorable(topic, `its timestamp is ${timestamp}`);
}

export function notStorable(topic: Topic, problem: string): EventLogError {
  return new EventLogError({
    code: 'log-invalid-record',
    message: `A record of ${topic} cannot be stored: ${problem}.`,
    hint: 'Refuse such a record before it reaches the log.',
  });
}

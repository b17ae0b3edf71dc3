import type { BlockPositions, RecordBlock, Topic } from '../event-log.ts';
import { murmur2, partitionOfHash } from '../partitioner.ts';
import type { Group } from './group-commit.ts';
import { assertStorable, maxValueBytes, notStorable, type TopicWriters } from './record-placement.ts';

/** Gives every record of a block its partition and offset, and copies it into the group. */
export function placeBlock(
  block: RecordBlock,
  group: Group,
  writers: Readonly<Record<Topic, TopicWriters>>,
): BlockPositions {
  const { bytes, count, kinds, kindOf, places, timestamp } = block;
  const partitions = new Uint8Array(count);
  const offsets = new BigInt64Array(count);
  // One look at all of them: hardly any block has one.
  const mayHaveNewline = bytes.includes(10);
  for (let index = 0; index < count; index += 1) {
    const kind = kinds[kindOf[index] ?? 0];
    if (kind === undefined) throw new RangeError('no such kind');
    const { partitions: topicWriters, first } = writers[kind.topic];
    const keyStart = places[index * 4] ?? -1;
    const keyEnd = places[index * 4 + 1] ?? -1;
    const valueStart = places[index * 4 + 2] ?? 0;
    const valueEnd = places[index * 4 + 3] ?? 0;
    const partition =
      keyStart < 0 ? 0 : partitionOfHash(murmur2(bytes, keyStart, keyEnd - keyStart), topicWriters.length);
    const writer = topicWriters[partition];
    const buffer = group.buffers[first + partition];
    if (writer === undefined || buffer === undefined) throw new RangeError(`no partition ${partition}`);
    const hasNewline = mayHaveNewline && bytes.subarray(valueStart, valueEnd).includes(10);
    const { judgedBy } = kind;
    const record = { judgedBy, bytes, keyStart, keyEnd, valueStart, valueEnd, hasNewline };
    partitions[index] = partition;
    offsets[index] = writer.addEncoded(buffer, record, timestamp);
  }
  return { partitions, offsets };
}

/** @throws EventLogError `log-invalid-record`: placed half, a block could not be taken back. */
export function assertBlockStorable({ bytes, count, kinds, kindOf, places, timestamp }: RecordBlock): void {
  const topic = kinds[0]?.topic ?? 'clickstream-events';
  for (const kind of kinds) assertStorable({ ...kind, timestamp, key: null, value: '' });
  if (kindOf.length < count || places.length < count * 4) throw notStorable(topic, 'its block is not whole');
  for (let index = 0; index < count; index += 1) {
    const keyStart = places[index * 4] ?? 0;
    const keyEnd = places[index * 4 + 1] ?? 0;
    const start = places[index * 4 + 2] ?? 0;
    const end = places[index * 4 + 3] ?? 0;
    const hasKey = keyStart !== -1 || keyEnd !== -1;
    if (
      (kindOf[index] ?? 0) >= kinds.length ||
      (hasKey && !isWithin(bytes, keyStart, keyEnd)) ||
      !isWithin(bytes, start, end)
    )
      throw notStorable(topic, 'it does not lie in its block');
    if (end - start > maxValueBytes)
      throw notStorable(topic, `its value has more than ${maxValueBytes} bytes`);
  }
}

function isWithin(bytes: Uint8Array, start: number, end: number): boolean {
  return start >= 0 && start <= end && end <= bytes.length;
}

import { join } from 'node:path';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import { topicPartitions, type PartitionOffsets, type Topic } from '../event-log.ts';
import { EventLogError } from '../event-log-error.ts';

type GroupOffsets = Readonly<Record<Topic, PartitionOffsets>>;

/** `groups/<group>.json`: `{"clickstream-events":["12","0","7"],"clickstream-errors":["3"]}`. */
export async function readGroup(
  files: FileSystem,
  directory: string,
  group: string,
): Promise<GroupOffsets | undefined> {
  const path = groupPath(directory, group);
  if ((await files.stat(path)) === undefined) return undefined;
  const parsed = JSON.parse((await files.readFile(path)).toString('utf8')) as Partial<
    Record<Topic, string[]>
  >;
  return offsetsOf((topic) => parsed[topic]?.map((offset) => BigInt(offset)) ?? []);
}

export async function writeGroup(
  files: FileSystem,
  directory: string,
  group: string,
  offsets: GroupOffsets,
): Promise<void> {
  const path = groupPath(directory, group);
  await files.makeDirectory(join(directory, 'groups'));
  const text = JSON.stringify(offsets, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  await writeFileDurably(files, path, Buffer.from(`${text}\n`));
}

function offsetsOf(of: (topic: Topic) => readonly bigint[]): GroupOffsets {
  const complete = (topic: Topic) =>
    Array.from({ length: topicPartitions[topic] }, (_, p) => of(topic)[p] ?? 0n);
  return {
    'clickstream-events': complete('clickstream-events'),
    'clickstream-errors': complete('clickstream-errors'),
  };
}

function groupPath(directory: string, group: string): string {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(group)) {
    throw new EventLogError({
      code: 'log-invalid-argument',
      message: `"${group}" is no consumer group name.`,
      hint: 'Use up to 100 letters, digits, hyphens and underscores.',
    });
  }
  return join(directory, 'groups', `${group}.json`);
}

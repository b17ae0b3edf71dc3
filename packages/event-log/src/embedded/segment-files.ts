import { join } from 'node:path';
import type { FileSystem } from '@clicklake/durable-files';
import { topicPartitions, type Topic } from '../event-log.ts';

export interface PartitionPlace {
  readonly topic: Topic;
  readonly partition: number;
  readonly directory: string;
}

/** Every partition of a log, in the order of its slots in the `durable-ends` file. */
export function partitionPlaces(directory: string): PartitionPlace[] {
  return (Object.keys(topicPartitions) as Topic[]).flatMap((topic) =>
    Array.from({ length: topicPartitions[topic] }, (_, partition) => ({
      topic,
      partition,
      directory: join(directory, topic, String(partition)),
    })),
  );
}

export function segmentPath(directory: string, base: bigint): string {
  return join(directory, `${base.toString().padStart(20, '0')}.log`);
}

/** Base offsets of a partition's segments, ascending. */
export async function listSegments(files: FileSystem, directory: string): Promise<bigint[]> {
  const names = await files.list(directory);
  const bases = names.filter((name) => /^\d{20}\.log$/.test(name)).map((name) => BigInt(name.slice(0, 20)));
  return bases.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Topic } from '@clicklake/event-log';
import type { TestLake } from './test-lake.ts';

/** Overwrites bytes in the middle of a partition's newest segment, as a bad disk would. */
export async function corruptSegment(lake: TestLake, topic: Topic, partition: number): Promise<void> {
  const directory = join(lake.paths.log, topic, String(partition));
  const segment = (await readdir(directory))
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1);
  const path = join(directory, segment ?? 'no segment');
  const bytes = await readFile(path);
  const middle = Math.floor(bytes.length / 2);
  bytes.fill(0x5a, middle, middle + 40);
  await writeFile(path, bytes);
}

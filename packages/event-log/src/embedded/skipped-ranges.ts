import { join } from 'node:path';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import type { OffsetRange } from '../event-log.ts';

/** The ranges of a partition that `skipCorrupt` gave up: `skipped.json`, `{"skipped":[["10","20"]]}`. */
export async function readSkipped(files: FileSystem, directory: string): Promise<readonly OffsetRange[]> {
  const path = join(directory, 'skipped.json');
  if ((await files.stat(path)) === undefined) return [];
  const parsed = JSON.parse((await files.readFile(path)).toString('utf8')) as { skipped: [string, string][] };
  return parsed.skipped.map(([from, to]) => ({ from: BigInt(from), to: BigInt(to) }));
}

export async function writeSkipped(
  files: FileSystem,
  directory: string,
  ranges: readonly OffsetRange[],
): Promise<void> {
  const skipped = ranges.map(({ from, to }) => [from.toString(), to.toString()]);
  await writeFileDurably(
    files,
    join(directory, 'skipped.json'),
    Buffer.from(`${JSON.stringify({ skipped })}\n`),
  );
}

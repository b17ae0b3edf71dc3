import type { FileSystem } from '@clicklake/durable-files';
import { createRunCursor, type RunCursor } from './run-cursor.ts';
import { comparePacked, packedWords } from './packed-entry.ts';
import { createRunWriter } from './run-writer.ts';
import type { Run } from './run.ts';

/**
 * Merges runs of one bucket into a new, durable one: streaming, in bounded memory, giving way to other
 * work at every read. Dead entries and second copies of an entry are left out. `cancelled` is asked at
 * every read; a cancelled or failed merge leaves no file.
 *
 * @returns undefined when cancelled or nothing is alive.
 * @throws DedupeError `dedupe-state-corrupt`.
 */
export async function mergeRuns(
  files: FileSystem,
  directory: string,
  inputs: readonly Run[],
  cancelled: () => boolean,
): Promise<Run | undefined> {
  const bucketStart = inputs[0]?.description.bucketStart ?? 0;
  const most = inputs.reduce((sum, run) => sum + run.description.entries, 0);
  const writer = await createRunWriter(files, directory, bucketStart, most);
  try {
    const cursors: RunCursor[] = [];
    for (const run of inputs) {
      const cursor = createRunCursor(run);
      if (await cursor.refill()) cursors.push(cursor);
    }
    const last = new Uint32Array(packedWords);
    let appended = false;
    while (cursors.length > 0) {
      const least = leastCursor(cursors);
      const cursor = cursors[least];
      if (cursor === undefined) break;
      if (!appended || comparePacked(cursor.entry, 0, last, 0) !== 0) {
        if (writer.isFull()) await writer.drain();
        writer.append(cursor.entry, 0);
        last.set(cursor.entry);
        appended = true;
      }
      if (cursor.advance()) continue;
      if (cancelled()) {
        await writer.abandon();
        return undefined;
      }
      if (!(await cursor.refill())) cursors.splice(least, 1);
    }
    const merged = await writer.finish();
    await files.syncDirectory(directory);
    return merged;
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

function leastCursor(cursors: readonly RunCursor[]): number {
  let least = 0;
  let entry = cursors[0]?.entry;
  for (let i = 1; i < cursors.length; i += 1) {
    const other = cursors[i]?.entry;
    if (entry === undefined || other === undefined) break;
    if (comparePacked(other, 0, entry, 0) < 0) {
      least = i;
      entry = other;
    }
  }
  return least;
}

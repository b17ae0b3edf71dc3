import { join } from 'node:path';
import { writeFileDurably, type FileSystem, type OpenFile } from '@clicklake/durable-files';
import type { Run } from './run.ts';

/**
 * The runs on record, in a file of one JSON line for each change of a run: the last line of an id counts, and may take
 * the run off the record. Kept are the
 * newest runs of each job, and the newest failed ones besides.
 */
export interface RunHistory {
  /** Newest first. */
  list(): readonly Run[];
  /** Puts a new run on record, durably, and gives it its id. */
  begin(run: Omit<Run, 'id'>): Promise<Run>;
  /**
   * Replaces a run by what has become of it, durably.
   *
   * @param superseded an older run that goes off the record with that.
   */
  update(run: Run, superseded?: Run): Promise<void>;
  /** Why the newest runs are not on the disk; undefined while they are. They are written as soon as that goes. */
  problem(): unknown;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RunHistoryOptions {
  readonly directory: string;
  readonly files: FileSystem;
}

const fileName = 'runs.jsonl';
export const runsPerJob = 200;
export const failedRunsPerJob = 100;
/** After so many lines the file is written anew with what is kept. */
const linesPerFile = 1000;

/** Opens the record for its one writer, the lake's owner: runs that nobody can be at any more are interrupted. */
export async function openRunHistory({ directory, files }: RunHistoryOptions): Promise<RunHistory> {
  const path = join(directory, fileName);
  await files.makeDirectory(directory);
  let runs = interruptRunning(await readRunFile(files, path));
  let nextId = (runs[0]?.id ?? 0) + 1;
  let file: OpenFile | undefined;
  let position = 0;
  let lines = 0;
  let problem: unknown;
  let writing: Promise<void> = Promise.resolve();
  let closed = false;

  /** The whole record as a new file, which also is the way on after a write that failed. */
  async function rewrite(): Promise<void> {
    await file?.close();
    file = undefined;
    const bytes = Buffer.from(runs.toReversed().map(lineOf).join(''));
    await writeFileDurably(files, path, bytes);
    file = await files.open(path, 'append');
    position = bytes.length;
    lines = runs.length;
  }

  async function append(...changes: readonly (Run | Superseded)[]): Promise<void> {
    if (file === undefined || lines >= linesPerFile + runs.length) return rewrite();
    const bytes = Buffer.from(changes.map(lineOf).join(''));
    await file.write([bytes], position);
    await file.sync();
    position += bytes.length;
    lines += changes.length;
  }

  /** A record that cannot be written keeps no job from running: `problem` says so. */
  async function tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      problem = undefined;
    } catch (error) {
      problem = error;
      // An fsync that failed is never tried again on the same file (S5.1).
      await file?.close().catch(() => undefined);
      file = undefined;
    }
  }

  function serially(work: () => Promise<void>): Promise<void> {
    return (writing = writing.then(() => (closed ? undefined : tried(work))));
  }

  await tried(rewrite);
  return {
    list: () => runs,
    async begin(given) {
      const run = { ...given, id: nextId };
      nextId += 1;
      runs = keepNewest([run, ...runs]);
      await serially(() => append(run));
      return run;
    },
    update(run, superseded) {
      runs = runs.flatMap((known) => {
        if (known.id === superseded?.id) return [];
        return known.id === run.id ? [run] : [known];
      });
      if (superseded === undefined) return serially(() => append(run));
      return serially(() => append(run, { id: superseded.id, supersededBy: run.id }));
    },
    problem: () => problem,
    async close() {
      await writing;
      if (closed) return;
      closed = true;
      await file?.close();
    },
  };
}

/** What is on record, newest first. @param ownerLives the lake has an owner: what runs may really be under way. */
export async function readRunHistory(
  files: FileSystem,
  directory: string,
  ownerLives: boolean,
): Promise<readonly Run[]> {
  const runs = await readRunFile(files, join(directory, fileName));
  return ownerLives ? runs : interruptRunning(runs);
}

async function readRunFile(files: FileSystem, path: string): Promise<readonly Run[]> {
  if ((await files.stat(path)) === undefined) return [];
  const known = new Map<number, Run>();
  for (const line of (await files.readFile(path)).toString('utf8').split('\n')) {
    const change = parseLine(line);
    if (change === undefined) continue;
    if ('supersededBy' in change) known.delete(change.id);
    else known.set(change.id, change);
  }
  return keepNewest([...known.values()].sort((a, b) => b.id - a.id));
}

/** The line that takes a run off the record. */
interface Superseded {
  readonly id: number;
  readonly supersededBy: number;
}

function lineOf(change: Run | Superseded): string {
  return `${JSON.stringify(change)}\n`;
}

/** Undefined for the torn last line of a process that died while it wrote. */
function parseLine(line: string): Run | Superseded | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
    if (!Number.isSafeInteger(value.id)) return undefined;
    const isChange = 'supersededBy' in value || ('job' in value && 'outcome' in value);
    return isChange ? (value as Run | Superseded) : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody knows when they ended. */
function interruptRunning(runs: readonly Run[]): readonly Run[] {
  return runs.map((run): Run => {
    const { webhook } = run;
    const lost = webhook?.outcome === 'pending';
    return {
      ...run,
      ...(run.outcome === 'running' && { outcome: 'interrupted' }),
      // Only its process knew when.
      retryAt: null,
      ...(lost && {
        webhook: { ...webhook, outcome: 'failed', error: 'The process ended before it was delivered.' },
      }),
    };
  });
}

/** @param runs newest first. */
function keepNewest(runs: readonly Run[]): readonly Run[] {
  const counts = new Map<string, { all: number; failed: number }>();
  return runs.filter(({ job, outcome }) => {
    const count = counts.get(job) ?? { all: 0, failed: 0 };
    counts.set(job, count);
    count.all += 1;
    if (outcome === 'failed') count.failed += 1;
    return count.all <= runsPerJob || (outcome === 'failed' && count.failed <= failedRunsPerJob);
  });
}

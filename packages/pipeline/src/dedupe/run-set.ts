import type { FileSystem } from '@clicklake/durable-files';
import type { DedupeState } from './dedupe-index.ts';
import { writeManifest } from './manifest.ts';
import { bitsPerKeyFor, filterBytesOf, runMemoryBytes } from './memory-plan.ts';
import { closeRun, rebuildFilter, removeRun, type Run } from './run.ts';

/** The runs of the index, the memory their filters share, and the manifest that makes them durable. */
export interface RunSet {
  readonly runs: readonly Run[];
  /** The durable state; undefined before the first one. */
  readonly saved: DedupeState | undefined;
  /** Adds `added`, takes `removed` out, and fits all filters into the memory. */
  change(removed: readonly Run[], added: readonly Run[]): Promise<void>;
  /** Makes the runs durable under this state, then deletes the files of removed runs. */
  commit(state: DedupeState): Promise<void>;
  /** Commits the runs under the state that is durable already, if there is one, or what `change` makes of it. */
  recommit(change?: (saved: DedupeState) => DedupeState): Promise<void>;
  /** Keeps files that a merge reads: once released, those of removed runs go with the next commit. */
  hold(runs: readonly Run[]): void;
  release(runs: readonly Run[]): void;
  /** There is no durable state any more (its manifest is gone). */
  forgetState(): void;
  closeAll(): Promise<void>;
}

export interface RunSetOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly windowMs: number;
  /** What fences and filters may take together. */
  readonly memoryBytes: number;
}

export async function createRunSet(
  options: RunSetOptions,
  reopened: readonly Run[],
  state: DedupeState | undefined,
): Promise<RunSet> {
  const { files, directory, windowMs, memoryBytes } = options;
  let runs: readonly Run[] = reopened;
  let saved = state;
  let removedRuns: Run[] = [];
  const held = new Set<Run>();
  await fitFilters(runs, memoryBytes);

  const deleteRemoved = async (): Promise<void> => {
    const free = removedRuns.filter((run) => !held.has(run));
    removedRuns = removedRuns.filter((run) => held.has(run));
    for (const run of free) {
      await closeRun(run);
      await removeRun(files, directory, run.description.name);
    }
  };
  const commit = async (next: DedupeState): Promise<void> => {
    const described = runs.map((run) => ({
      ...run.description,
      liveBelow: run.liveBelow === undefined ? null : [...run.liveBelow],
    }));
    await writeManifest(files, directory, { state: next, windowMs, runs: described });
    saved = next;
    await deleteRemoved();
  };
  return {
    get runs() {
      return runs;
    },
    get saved() {
      return saved;
    },
    async change(removed: readonly Run[], added: readonly Run[]) {
      for (const run of removed) run.filter = undefined;
      removedRuns.push(...removed);
      runs = [...runs.filter((run) => !removed.includes(run)), ...added];
      await fitFilters(runs, memoryBytes);
    },
    commit,
    async recommit(change = (unchanged) => unchanged) {
      await (saved === undefined ? deleteRemoved() : commit(change(saved)));
    },
    hold(busy: readonly Run[]) {
      for (const run of busy) held.add(run);
    },
    release(busy: readonly Run[]) {
      for (const run of busy) held.delete(run);
    },
    forgetState() {
      saved = undefined;
    },
    async closeAll() {
      for (const run of [...runs, ...removedRuns]) await closeRun(run);
      runs = [];
      removedRuns = [];
    },
  };
}

/** A shrunken filter gets this part of its share, so that it isn't rebuilt again at the next flush. */
const shrinkTo = 0.9;

/**
 * Gives a filter to each run that has none, after shrinking those that save the most memory when there is
 * not enough for all.
 */
async function fitFilters(runs: readonly Run[], memoryBytes: number): Promise<void> {
  const entries = runs.reduce((sum, run) => sum + run.description.entries, 0);
  const fenceBytes = runs.reduce((sum, run) => sum + run.fences.byteLength + filterOverhead, 0);
  const bits = bitsPerKeyFor(entries, memoryBytes - fenceBytes);
  const bare = runs.filter((run) => run.filter === undefined);
  const needed = bare.reduce((sum, run) => sum + filterBytesOf(run, bits), 0);
  const shrunkBits = bits * shrinkTo;
  const bySaving = runs
    .map((run) => ({ run, saving: (run.filter?.words.byteLength ?? 0) - filterBytesOf(run, shrunkBits) }))
    .filter(({ run, saving }) => run.filterBitsPerKey > bits && saving > 0)
    .sort((a, b) => b.saving - a.saving);
  for (const { run } of bySaving) {
    if (runMemoryBytes(runs) + needed <= memoryBytes) break;
    await rebuildFilter(run, shrunkBits);
  }
  for (const run of bare) await rebuildFilter(run, bits);
}

/** Rounding up to blocks, per filter. */
const filterOverhead = 64;

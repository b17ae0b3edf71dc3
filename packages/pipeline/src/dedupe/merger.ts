import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { planMerge } from './merge-plan.ts';
import { mergeRuns } from './run-merge.ts';
import type { RunSet } from './run-set.ts';
import { closeRun, removeRun, type Run } from './run.ts';

/** Keeps the runs few, in the background. */
export interface Merger {
  /** Merges until the plan is satisfied; does nothing when at it already. */
  start(): void;
  /** When the merge under way, if any, has ended. */
  idle(): Promise<void>;
  /** Gives up the merge under way; `start` does nothing from now on. */
  stop(): Promise<void>;
  /** Why the last merge failed. */
  failure(): unknown;
}

export interface MergerOptions {
  readonly files: FileSystem;
  readonly directory: string;
  readonly crashPoints: CrashPoints;
  readonly set: RunSet;
  /** Runs the work when no other operation of the index does. */
  readonly guarded: <T>(work: () => Promise<T>) => Promise<T>;
}

export function createMerger({ files, directory, crashPoints, set, guarded }: MergerOptions): Merger {
  let working: Promise<void> | undefined;
  let stopped = false;
  let failure: unknown;

  /** Expired, cleared or cut short meanwhile (`begin`): the merged run would bring entries back. */
  const isUnchanged = ({ run, liveBelow }: Input): boolean =>
    set.runs.includes(run) && run.liveBelow === liveBelow;

  const install = async (inputs: readonly Input[], merged: Run | undefined): Promise<void> => {
    if (inputs.every(isUnchanged)) {
      await set.change(
        inputs.map((input) => input.run),
        merged === undefined ? [] : [merged],
      );
    } else if (merged !== undefined) {
      await discard(merged);
    }
    await set.recommit();
  };
  const discard = async (run: Run): Promise<void> => {
    await closeRun(run);
    await removeRun(files, directory, run.description.name);
  };
  const merge = async (inputs: readonly Input[]): Promise<Run | undefined> => {
    const runs = inputs.map((input) => input.run);
    set.hold(runs);
    try {
      return await mergeRuns(files, directory, runs, () => stopped || !inputs.every(isUnchanged));
    } finally {
      set.release(runs);
    }
  };
  const mergeAll = async (): Promise<void> => {
    while (!stopped) {
      const planned = planMerge(set.runs.map((run) => run.description));
      const inputs = set.runs
        .filter((run) => planned.includes(run.description))
        .map((run) => ({ run, liveBelow: run.liveBelow }));
      if (inputs.length === 0) return;
      const merged = await merge(inputs);
      if (!mayInstall()) {
        if (merged !== undefined) await discard(merged);
        return;
      }
      crashPoints.reach('dedupe-merge-written');
      await guarded(() => install(inputs, merged));
      crashPoints.reach('dedupe-merge-installed');
    }
  };
  const mayInstall = (): boolean => !stopped;
  return {
    start() {
      if (stopped || working !== undefined) return;
      working = mergeAll()
        // Damaged runs must be met by the next caller too: `guarded` discards the state.
        .catch((error: unknown) => guarded(() => Promise.reject(error as Error)))
        .then(
          () => (failure = undefined),
          (error: unknown) => (failure = error),
        )
        .then(() => {
          working = undefined;
        });
    },
    async idle() {
      await working;
    },
    async stop() {
      stopped = true;
      await working;
    },
    failure: () => failure,
  };
}

interface Input {
  readonly run: Run;
  /** As it was when the merge began. */
  readonly liveBelow: Float64Array | undefined;
}

import type { RunDescription } from './run-format.ts';

/**
 * When the runs of a bucket are merged: at least `fanOut` of them, and no run that is more than `ratio`
 * times all smaller ones together, so that an entry is rewritten a few times only.
 */
interface MergePolicy {
  readonly fanOut: number;
  readonly ratio: number;
}

/** Runs still come into the bucket: steps of 4 to 8, cheap in the middle of ingest. */
const growing: MergePolicy = { fanOut: 8, ratio: 1 / 4 };
/** Nothing new comes into it: towards one run, because each costs every new id a filter. */
const closed: MergePolicy = { fanOut: 2, ratio: 4 };

/** Bounds the memory of one merge. */
export const mostMergedRuns = 12;

/** The next runs to merge, all of one time bucket, or none. */
export function planMerge(runs: readonly RunDescription[]): readonly RunDescription[] {
  const buckets = Map.groupBy(runs, (run) => run.bucketStart);
  const newest = Math.max(...buckets.keys());
  for (const [start, members] of buckets) {
    const { fanOut, ratio } = start === newest ? growing : closed;
    const group = smallRuns(members, ratio);
    if (group.length >= fanOut) return group.slice(0, mostMergedRuns);
  }
  return [];
}

/** The smallest runs up to the last that is not out of proportion to those before it. */
function smallRuns(members: readonly RunDescription[], ratio: number): RunDescription[] {
  const bySize = members.toSorted((a, b) => a.entries - b.entries);
  let together = 0;
  const proportionate = bySize.map((run) => {
    const fits = run.entries <= ratio * together;
    together += run.entries;
    return fits;
  });
  return bySize.slice(0, proportionate.lastIndexOf(true) + 1);
}

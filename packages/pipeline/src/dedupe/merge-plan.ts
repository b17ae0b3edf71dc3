import type { RunDescription } from './run-format.ts';

/** A bucket that still grows merges this many runs of like size at once: each entry is rewritten log_8 times. */
export const mergeFanOut = 8;
/** Bounds the memory of one merge. */
export const mostMergedRuns = 12;
/** Runs this much larger than all smaller ones together are left alone. */
const likeSize = 4;

/**
 * The next runs to merge, or none. Per time bucket, the smallest runs up to the first that is much larger
 * than all of them together: 8 of them while the bucket is the newest, 2 when no more comes into it, so
 * that a closed bucket ends as one run and a new id asks few filters.
 */
export function planMerge(runs: readonly RunDescription[]): readonly RunDescription[] {
  const buckets = Map.groupBy(runs, (run) => run.bucketStart);
  const newest = Math.max(...buckets.keys());
  for (const [start, members] of buckets) {
    const group = smallRunsOfLikeSize(members).slice(0, mostMergedRuns);
    if (group.length >= (start === newest ? mergeFanOut : 2)) return group;
  }
  return [];
}

function smallRunsOfLikeSize(members: readonly RunDescription[]): RunDescription[] {
  const bySize = members.toSorted((a, b) => a.entries - b.entries);
  let together = 0;
  const larger = bySize.findIndex((run, index) => {
    const much = index > 0 && run.entries > likeSize * together;
    together += run.entries;
    return much;
  });
  return larger < 0 ? bySize : bySize.slice(0, larger);
}

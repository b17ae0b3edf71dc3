/** How close runs of a job that follows commits may come upon each other. */
export interface Pace {
  /** Commits that make an occasion. */
  readonly commits: number;
  readonly leastMs: number;
  /** The job rests in proportion to its work: a run begins at least so many times its length after the last began. */
  readonly restFactor: number;
}

/** S7.4: the next one starts max(5 s, 4 × the last one's duration) after the last began. Times in ms. */
export function earliestStart(pace: Pace, beganAt: number, workMs: number): number {
  return beganAt + Math.max(pace.leastMs, pace.restFactor * workMs);
}

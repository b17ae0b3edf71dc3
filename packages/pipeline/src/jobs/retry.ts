/** How often, and after what pauses, a run that failed by itself is tried again. */
export interface RetryPolicy {
  /** Runs for one occasion, the first included. */
  readonly attempts: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** After the last attempt, until a job that follows commits may begin again. */
  readonly restMs: number;
}

export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
  restMs: 5 * 60_000,
};

/**
 * The pause after a failed attempt: twice as long each time, less up to half of it, so that many lakes that lost the
 * same disk or network do not come again together.
 *
 * @param random from 0 to below 1.
 * @returns undefined when it was the last one.
 */
export function pauseAfter(policy: RetryPolicy, attempt: number, random: number): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  const pause = Math.min(policy.longestPauseMs, policy.firstPauseMs * 2 ** (attempt - 1));
  return pause * (1 - random / 2);
}

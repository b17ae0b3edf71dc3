import type { Problem } from '../lake-service.ts';

/** `running` becomes one of the others; `interrupted`: its process stopped or died under it. */
export type RunOutcome = 'running' | 'succeeded' | 'failed' | 'interrupted';

/** Why a run began: Silver was committed to, its time had come, the process started, somebody asked. */
export type RunTrigger = 'commit' | 'cron' | 'start' | 'manual';

/** One attempt at a job, as it stands on record. Times are ISO 8601, UTC. */
export interface Run {
  /** Ascending within a lake. */
  readonly id: number;
  readonly job: string;
  readonly trigger: RunTrigger;
  /** 1, and one more for each retry of the same occasion. */
  readonly attempt: number;
  /** Only a part of the job was asked for: its success says nothing of the whole. */
  readonly partial: boolean;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: RunOutcome;
  /** What it did, for people. */
  readonly did: string | null;
  /** The same for programs. */
  readonly facts: RunFacts;
  readonly error: Problem | null;
  /** When a failed one is tried again by itself; null: not before its next occasion. */
  readonly retryAt: string | null;
  /** What became of the call that tells of a failed one; null when there is none to make. */
  readonly webhook: WebhookCall | null;
}

export type RunFacts = Readonly<Record<string, string | number | boolean | null>>;

export interface WebhookCall {
  readonly outcome: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  readonly error: string | null;
}

export interface RunFilter {
  readonly job?: string;
  readonly failed?: boolean;
  readonly limit: number;
}

/** A job that failed last time, until it succeeds again. */
export interface FailingJob {
  readonly job: string;
  /** The newest failed run. */
  readonly run: number;
  /** When the first of the failed runs in a row began, as far as they are on record. */
  readonly since: string;
  readonly failedRuns: number;
  readonly attempt: number;
  readonly error: Problem | null;
  readonly retryAt: string | null;
  readonly webhook: WebhookCall | null;
}

/** @param runs newest first. */
export function filterRuns(runs: readonly Run[], { job, failed, limit }: RunFilter): readonly Run[] {
  return runs
    .filter((run) => (job === undefined || run.job === job) && (failed !== true || run.outcome === 'failed'))
    .slice(0, limit);
}

/** Whether a job's newest whole run that came to an end failed. @param runs newest first. */
export function failingJob(runs: readonly Run[], job: string): FailingJob | null {
  const ended = runs.filter(
    (run) => run.job === job && (run.outcome === 'failed' || (run.outcome === 'succeeded' && !run.partial)),
  );
  const firstGood = ended.findIndex(({ outcome }) => outcome === 'succeeded');
  const failed = firstGood === -1 ? ended : ended.slice(0, firstGood);
  const [newest] = failed;
  if (newest === undefined) return null;
  return {
    job,
    run: newest.id,
    since: (failed.at(-1) ?? newest).startedAt,
    failedRuns: failed.length,
    attempt: newest.attempt,
    error: newest.error,
    retryAt: newest.retryAt,
    webhook: newest.webhook,
  };
}

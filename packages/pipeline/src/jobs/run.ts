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

/** A job that failed last time, or that its process died under again and again, until it succeeds. */
export interface FailingJob {
  readonly job: string;
  /** The newest of the runs in a row that came to no good end. */
  readonly run: number;
  /** When the first of them began, as far as they are on record. */
  readonly since: string;
  readonly failedRuns: number;
  readonly attempt: number;
  readonly error: Problem | null;
  readonly retryAt: string | null;
  readonly webhook: WebhookCall | null;
}

/** What a run says it did that turned out to have nothing to do. */
export const nothingToDo = 'nothing to do';

/**
 * The run whose place this one takes on record: of runs by themselves, one after another, that found nothing to do,
 * only the newest is of interest. A job that looks every minute would bury what the others did.
 *
 * @param runs newest first.
 */
export function runSucceededBy(runs: readonly Run[], run: Run): Run | undefined {
  const before = runs.find(({ job, id }) => job === run.job && id < run.id);
  return before !== undefined && isIdle(before) && isIdle(run) ? before : undefined;
}

function isIdle({ outcome, trigger, did }: Run): boolean {
  return outcome === 'succeeded' && trigger !== 'manual' && did === nothingToDo;
}

/** @param runs newest first. */
export function filterRuns(runs: readonly Run[], { job, failed, limit }: RunFilter): readonly Run[] {
  return runs
    .filter((run) => (job === undefined || run.job === job) && (failed !== true || run.outcome === 'failed'))
    .slice(0, limit);
}

/** A death may be anybody's doing; so many in a row, with no whole run in between, have to do with the job. */
const deathsToFail = 3;

/**
 * The runs of a job that came to no good end since its last whole success, newest first: they failed, or their process
 * died under them. One that a stop interrupted cleanly is none of them.
 *
 * @param runs newest first.
 */
export function troubledRuns(runs: readonly Run[], job: string): readonly Run[] {
  const ended = runs.filter(
    (run) => run.job === job && (isTroubled(run) || (run.outcome === 'succeeded' && !run.partial)),
  );
  const firstGood = ended.findIndex(({ outcome }) => outcome === 'succeeded');
  return firstGood === -1 ? ended : ended.slice(0, firstGood);
}

function isTroubled(run: Run): boolean {
  return run.outcome === 'failed' || isDeath(run);
}

/** Nobody was left to say when it ended. */
function isDeath({ outcome, endedAt }: Run): boolean {
  return outcome === 'interrupted' && endedAt === null;
}

/** Whether a job's newest whole run that came to an end failed, or its last ones all ended with their process. */
export function failingJob(runs: readonly Run[], job: string): FailingJob | null {
  const troubled = troubledRuns(runs, job);
  const [newest] = troubled;
  const firstFailed = troubled.find(({ outcome }) => outcome === 'failed');
  const firstNotDead = troubled.findIndex((run) => !isDeath(run));
  const deaths = firstNotDead === -1 ? troubled.length : firstNotDead;
  const told = deaths >= deathsToFail ? newest : firstFailed;
  if (newest === undefined || told === undefined) return null;
  return {
    job,
    run: told.id,
    since: (troubled.at(-1) ?? newest).startedAt,
    failedRuns: troubled.length,
    attempt: told.attempt,
    error: isDeath(told) ? diedUnderIt(job, deaths) : told.error,
    retryAt: told.retryAt,
    webhook: told.webhook,
  };
}

function diedUnderIt(job: string, deaths: number): Problem {
  return {
    code: 'job-process-died',
    message: `Its process died under it ${deaths} times in a row.`,
    hint: `See what the process said last, and how much memory the machine has: one that is killed for its memory says nothing. \`clicklake jobs run ${job}\` runs it alone while nothing else owns the lake.`,
  };
}

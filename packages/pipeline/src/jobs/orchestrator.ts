import type { Problem } from '../lake-service.ts';
import type { Job } from './job.ts';
import type { FailingJob, Run, RunFilter } from './run.ts';

/**
 * The port behind which jobs are started: the embedded scheduler, Airflow later.
 *
 * What every implementation keeps:
 * - A job begins by itself as its schedule says, once `start` was called, and never twice at a time by itself.
 * - A step of a run works only while no other holder of the same `TableClaims` writes one of its tables.
 * - Every run is on record before its work begins and after it has ended. The record outlives the process; a run that
 *   was under way when its process died is `interrupted` from the next opening on.
 * - Of runs by themselves that found nothing to do, one after another, the newest stays on record.
 * - The record is bounded by count: the newest of each job stay, and of its failed ones the newest, too.
 * - A run that fails by itself is tried again after pauses that grow, a bounded number of times; each attempt is a run.
 * - A job fails until a whole run of it succeeds; `failing` says so meanwhile, also of a job that its process died under
 *   three times in a row. Nothing that goes wrong with the record
 *   or the webhook keeps a job from running, and neither is hidden.
 */
export interface Orchestrator {
  /** Begins to start jobs by itself. Idempotent. */
  start(): void;
  /** New rows were committed to Silver. */
  noteCommit(): void;
  jobs(): readonly JobState[];
  /** Newest first. */
  runs(filter: RunFilter): readonly Run[];
  health(): JobsHealth;
  /**
   * Runs a job now, after those that hold its tables, whether or not `start` was called; is not tried again by itself.
   *
   * @param work what to do instead of the job's own plan.
   * @throws what the run failed with, after that is on record; PipelineError `job-unknown`, `job-stopped`.
   */
  run(name: string, work?: RunWork): Promise<Run>;
  /** Starts nothing more, lets runs end at the next clean place, and closes the record. Idempotent. */
  close(): Promise<void>;
}

export interface RunWork {
  readonly plan: Job['plan'];
  /** It is only a part of the job. */
  readonly partial: boolean;
}

/** A job as people see it. */
export interface JobState {
  readonly name: string;
  readonly description: string;
  readonly tables: readonly string[];
  /** `off`, `after-commits`, or a cron expression in UTC. */
  readonly schedule: string;
  readonly enabled: boolean;
  readonly running: boolean;
  readonly lastRun: Run | null;
  /** ISO 8601; null: after a commit that is still to come, or never. */
  readonly nextRunAt: string | null;
  readonly failing: FailingJob | null;
}

/** What of the jobs a status must show. */
export interface JobsHealth {
  readonly failing: readonly FailingJob[];
  readonly running: readonly string[];
  /** Runs could not be put on record: after the next start they are not known. */
  readonly recordProblem: Problem | null;
}

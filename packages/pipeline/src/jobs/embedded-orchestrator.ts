import type { CrashPoints } from '@clicklake/durable-files';
import { PipelineError } from '../pipeline-error.ts';
import type { Job } from './job.ts';
import type { JobState, Orchestrator } from './orchestrator.ts';
import { earliestStart, type Pace } from './pace.ts';
import { pauseAfter, type RetryPolicy } from './retry.ts';
import type { RunHistory } from './run-history.ts';
import { problemOf, runJob, type Occasion, type Worked } from './run-job.ts';
import { failingJob, filterRuns, troubledRuns, type Run, type RunTrigger } from './run.ts';
import { nextTime, scheduleText, type Schedule } from './schedule.ts';
import type { TableClaims } from './table-claims.ts';
import type { Webhook } from './webhook.ts';

export interface ScheduledJob {
  readonly job: Job;
  readonly schedule: Schedule;
  readonly pace: Pace;
}

export interface EmbeddedOrchestratorOptions {
  readonly jobs: readonly ScheduledJob[];
  readonly history: RunHistory;
  readonly claims: TableClaims;
  readonly retries: RetryPolicy;
  /** Null: nobody is told of failed runs. */
  readonly webhook: Webhook | null;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** Where a job stands. Times are of the monotonic clock, so that a wall clock that jumps holds up nothing. */
interface Slot extends ScheduledJob {
  /** Why it is to run next. */
  pending: RunTrigger | undefined;
  running: boolean;
  /** Runs under way that somebody asked for. */
  asked: number;
  attempt: number;
  commits: number;
  notBefore: number;
  /** Wall clock. */
  nextCron: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** A wall clock may be set while a timer runs: none runs for longer than this. */
const longestTimerMs = 30_000;

/** The scheduler that lives in the process which owns the lake. */
export function createEmbeddedOrchestrator(options: EmbeddedOrchestratorOptions): Orchestrator {
  const { history, claims, retries, webhook, crashPoints, clock, random } = options;
  const stopping = new AbortController();
  const dependencies = { history, claims, crashPoints, clock, stopping: stopping.signal };
  const underWay = new Map<Promise<unknown>, string>();
  let started = false;
  const slots = new Map(
    options.jobs.map((given): [string, Slot] => [
      given.job.name,
      {
        ...given,
        pending: undefined,
        running: false,
        asked: 0,
        attempt: 1,
        commits: 0,
        notBefore: 0,
        nextCron: undefined,
        timer: undefined,
      },
    ]),
  );

  /** Sets the timer for the next time at which there may be something to begin. */
  function arm(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.timer = undefined;
    if (!started || stopping.signal.aborted || slot.running || slot.asked > 0) return;
    const waits = [
      ...(slot.pending === undefined ? [] : [slot.notBefore - performance.now()]),
      ...(slot.nextCron === undefined ? [] : [slot.nextCron - clock()]),
    ];
    if (waits.length === 0) return;
    const wait = Math.min(longestTimerMs, Math.max(0, Math.ceil(Math.min(...waits))));
    slot.timer = setTimeout(() => look(slot), wait);
  }

  function look(slot: Slot): void {
    if (slot.nextCron !== undefined && slot.nextCron <= clock()) {
      slot.pending ??= 'cron';
      slot.nextCron = nextCron(slot);
    }
    if (slot.pending !== undefined && slot.notBefore <= performance.now()) begin(slot, slot.pending);
    else arm(slot);
  }

  function begin(slot: Slot, trigger: RunTrigger): void {
    slot.pending = undefined;
    slot.running = true;
    const { attempt } = slot;
    const pause = pauseAfter(retries, attempt, random());
    let retryFrom: number | undefined;
    const afterFailure = ({ beganAt, workMs }: Worked): ReturnType<Occasion['afterFailure']> => {
      const now = performance.now();
      // A job that fails slowly must not be at work without rest either.
      if (pause !== undefined) retryFrom = Math.max(now + pause, earliestStart(slot.pace, beganAt, workMs));
      return { retryAt: retryFrom === undefined ? null : wallTime(retryFrom), webhook: callToMake() };
    };
    const always = troubledRuns(history.list(), slot.job.name).length > 0;
    const occasion = { trigger, attempt, partial: false, always, afterFailure };
    const done = runJob(dependencies, slot.job, occasion).then(({ run, worked: { beganAt, workMs } }) => {
      slot.running = false;
      slot.attempt = 1;
      slot.notBefore = earliestStart(slot.pace, beganAt, workMs);
      if (run?.outcome === 'failed') {
        if (retryFrom !== undefined) {
          slot.attempt = attempt + 1;
          slot.notBefore = retryFrom;
          slot.pending = trigger;
        } else if (slot.schedule.kind === 'after-commits') {
          slot.notBefore = Math.max(slot.notBefore, performance.now() + retries.restMs);
          slot.pending = trigger;
        }
      }
      tellOf(run);
      arm(slot);
    });
    note(done, slot.job.name);
  }

  /** Of a time of the monotonic clock. */
  function wallTime(monotonicMs: number): string {
    return new Date(clock() + Math.max(0, monotonicMs - performance.now())).toISOString();
  }

  function callToMake(): Run['webhook'] {
    return webhook === null ? null : { outcome: 'pending', attempts: 0, error: null };
  }

  function note(work: Promise<unknown>, name: string): void {
    underWay.set(work, name);
    const end = (): void => void underWay.delete(work);
    work.then(end, end);
  }

  function tellOf(run: Run | undefined): void {
    if (run?.webhook?.outcome !== 'pending') return;
    webhook?.tell(run, (call) => note(history.update({ ...run, webhook: call }), ''));
  }

  function nextCron({ schedule }: ScheduledJob): number | undefined {
    return schedule.kind === 'cron' ? nextTime(schedule.expression, clock()) : undefined;
  }

  function stateOf(slot: Slot): JobState {
    const { job, schedule, pending, notBefore, nextCron: cron } = slot;
    const runs = history.list();
    const isRunning = [...underWay.values()].includes(job.name);
    const cronAt = cron === undefined ? null : new Date(cron).toISOString();
    const next = pending === undefined ? cronAt : wallTime(notBefore);
    return {
      name: job.name,
      description: job.description,
      tables: job.tables,
      schedule: scheduleText(schedule),
      enabled: schedule.kind !== 'off',
      running: isRunning,
      lastRun: runs.find((run) => run.job === job.name) ?? null,
      nextRunAt: !started || isRunning ? null : next,
      failing: failingJob(runs, job.name),
    };
  }

  async function runNow(slot: Slot, work: Parameters<Orchestrator['run']>[1]): Promise<Run> {
    const job = work === undefined ? slot.job : { ...slot.job, plan: work.plan };
    const partial = work?.partial ?? false;
    const occasion = { trigger: 'manual', attempt: 1, partial, always: true } as const;
    const afterFailure: Occasion['afterFailure'] = () => ({ retryAt: null, webhook: callToMake() });
    slot.asked += 1;
    // Nothing begins by itself meanwhile: it would be at work right after this one.
    arm(slot);
    const running = runJob(dependencies, job, { ...occasion, afterFailure }).then((ran) => {
      slot.asked -= 1;
      // Work is work, whoever asked for it (S7.4); a longer pause after a failure stays.
      const { beganAt, workMs } = ran.worked;
      slot.notBefore = Math.max(slot.notBefore, earliestStart(slot.pace, beganAt, workMs));
      arm(slot);
      return ran;
    });
    note(running, slot.job.name);
    const { run, failure } = await running;
    tellOf(run);
    if (run?.outcome === 'interrupted') throw stopped(slot.job.name);
    // Somebody who asked is told what happened, as it happened.
    if (run === undefined || failure !== undefined) throw failure;
    return run;
  }

  let closed: Promise<void> | undefined;
  async function close(): Promise<void> {
    stopping.abort(new Error('The process stops.'));
    for (const slot of slots.values()) clearTimeout(slot.timer);
    const webhookClosed = webhook?.close();
    while (underWay.size > 0) await Promise.allSettled(underWay.keys());
    await webhookClosed;
    while (underWay.size > 0) await Promise.allSettled(underWay.keys());
    await history.close();
  }

  return {
    start() {
      if (started || stopping.signal.aborted) return;
      started = true;
      for (const slot of slots.values()) {
        slot.nextCron = nextCron(slot);
        slot.notBefore = performance.now() + slot.pace.leastMs;
        if (slot.schedule.kind === 'after-commits') slot.pending = 'start';
        arm(slot);
      }
    },
    noteCommit() {
      for (const slot of slots.values()) {
        if (slot.schedule.kind !== 'after-commits') continue;
        slot.commits += 1;
        if (slot.commits < slot.pace.commits) continue;
        slot.commits = 0;
        slot.pending ??= 'commit';
        arm(slot);
      }
    },
    jobs: () => [...slots.values()].map(stateOf),
    runs: (filter) => filterRuns(history.list(), filter),
    health() {
      const states = [...slots.values()].map(stateOf);
      return {
        failing: states.flatMap(({ failing }) => failing ?? []),
        running: states.flatMap(({ name, running }) => (running ? [name] : [])),
        recordProblem: problemOf(history.problem()),
      };
    },
    async run(name, work) {
      const slot = slots.get(name);
      if (slot === undefined) throw unknownJob(name, [...slots.keys()]);
      if (stopping.signal.aborted) throw stopped(name);
      return await runNow(slot, work);
    },
    close: () => (closed ??= close()),
  };
}

function unknownJob(name: string, names: readonly string[]): PipelineError {
  return new PipelineError({
    code: 'job-unknown',
    message: `There is no job ${name.slice(0, 100)}.`,
    hint: `These are: ${names.join(', ')}.`,
  });
}

function stopped(name: string): PipelineError {
  return new PipelineError({
    code: 'job-stopped',
    message: `The job ${name} was not finished, because its process stops.`,
    hint: 'Nothing is half done: run it again once the process is back.',
    retryable: true,
  });
}

import type { CrashPoints } from '@clicklake/durable-files';
import { describeProblem } from '../ingest/describe-problem.ts';
import type { Problem } from '../lake-service.ts';
import type { Job, JobStep, StepReport } from './job.ts';
import type { RunHistory } from './run-history.ts';
import { nothingToDo, runSucceededBy, type Run, type RunTrigger, type WebhookCall } from './run.ts';
import type { TableClaims } from './table-claims.ts';

export interface RunJobDependencies {
  readonly history: RunHistory;
  readonly claims: TableClaims;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  /** Aborted when the process stops. */
  readonly stopping: AbortSignal;
}

export interface Occasion {
  readonly trigger: RunTrigger;
  readonly attempt: number;
  readonly partial: boolean;
  /** It is put on record even when there turns out to be nothing to do: somebody asked, or it failed before. */
  readonly always: boolean;
  /** What a failed run's record says of the time after it. */
  readonly afterFailure: (worked: Worked) => {
    readonly retryAt: string | null;
    readonly webhook: WebhookCall | null;
  };
}

/** When a run was at work, by the monotonic clock, in ms. */
export interface Worked {
  /** Its first step had its tables; of a run without steps: it was planned. */
  readonly beganAt: number;
  /** Planning included; waiting for tables is no work. */
  readonly workMs: number;
}

/** What became of an occasion. */
export interface RanJob {
  /** Undefined when there was nothing to do. */
  readonly run: Run | undefined;
  readonly failure: unknown;
  readonly worked: Worked;
}

/** Plans a job and, when there is something to do, does it and puts it on record. Never throws. */
export async function runJob(
  dependencies: RunJobDependencies,
  job: Job,
  occasion: Occasion,
): Promise<RanJob> {
  const { clock } = dependencies;
  const plannedAt = performance.now();
  const startedAt = new Date(clock()).toISOString();
  let steps: readonly JobStep[] | undefined;
  let planFailure: unknown;
  try {
    steps = await job.plan(occasion.trigger === 'manual');
  } catch (error) {
    planFailure = error;
  }
  const planMs = performance.now() - plannedAt;
  if (steps?.length === 0 && !occasion.always)
    return { run: undefined, failure: undefined, worked: { beganAt: plannedAt, workMs: planMs } };
  const { trigger, attempt, partial } = occasion;
  const begun = await dependencies.history.begin({
    job: job.name,
    trigger,
    attempt,
    partial,
    startedAt,
    endedAt: null,
    outcome: 'running',
    did: null,
    facts: {},
    error: null,
    retryAt: null,
    webhook: null,
  });
  dependencies.crashPoints.reach('job-begun');
  const { reports, failure, beganAt, workMs } =
    steps === undefined
      ? { reports: [], failure: planFailure, beganAt: undefined, workMs: 0 }
      : await executeSteps(dependencies, steps);
  dependencies.crashPoints.reach('job-before-record');
  const worked: Worked = { beganAt: beganAt ?? plannedAt, workMs: planMs + workMs };
  const run = ended(begun, reports, failure, worked, dependencies, occasion);
  await dependencies.history.update(run, runSucceededBy(dependencies.history.list(), run));
  return { run, failure, worked };
}

interface Executed {
  readonly reports: readonly StepReport[];
  readonly failure: unknown;
  /** Undefined: no step came to its turn. */
  readonly beganAt: number | undefined;
  readonly workMs: number;
}

async function executeSteps(
  { claims, stopping }: RunJobDependencies,
  steps: readonly JobStep[],
): Promise<Executed> {
  const reports: StepReport[] = [];
  let beganAt: number | undefined;
  let workMs = 0;
  try {
    for (const step of steps) {
      await claims.hold(step.tables, async () => {
        stopping.throwIfAborted();
        const startedAt = performance.now();
        beganAt ??= startedAt;
        try {
          reports.push(await step.run(stopping));
        } finally {
          workMs += performance.now() - startedAt;
        }
      });
    }
    return { reports, failure: undefined, beganAt, workMs };
  } catch (failure) {
    return { reports, failure: failure ?? new Error('It failed without a reason.'), beganAt, workMs };
  }
}

function ended(
  begun: Run,
  reports: readonly StepReport[],
  failure: unknown,
  worked: Worked,
  { clock, stopping }: RunJobDependencies,
  { afterFailure }: Occasion,
): Run {
  const did = reports.flatMap((report) => report.did ?? []).join('; ');
  const shared = {
    ...begun,
    endedAt: new Date(clock()).toISOString(),
    did: did === '' ? (failure === undefined ? nothingToDo : null) : shortened(did),
    facts: Object.assign({}, ...reports.map(({ facts = {} }) => facts)) as Run['facts'],
  };
  if (failure === undefined) return { ...shared, outcome: 'succeeded' };
  if (stopping.aborted && failure === stopping.reason) return { ...shared, outcome: 'interrupted' };
  return { ...shared, outcome: 'failed', error: problemOf(failure), ...afterFailure(worked) };
}

export function problemOf(failure: unknown): Problem | null {
  const problem = describeProblem(failure, {
    code: 'job-failed',
    hint: 'See the message for the cause; `clicklake jobs` says when it is tried again.',
  });
  return problem === null
    ? null
    : { code: problem.code, message: shortened(problem.message), hint: shortened(problem.hint) };
}

/** A record stays small whatever a failure has to say. */
const longestText = 1000;

function shortened(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`;
}

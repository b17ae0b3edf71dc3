import type { IngestState } from '../lake-service.ts';
import { PipelineError } from '../pipeline-error.ts';
import { describeProblem } from './describe-problem.ts';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { FoundEntry } from '../dedupe/index.ts';
import type { Generation } from './generation.ts';
import type { Intake } from './intake.ts';
import type { CommittedGeneration, IngestSession, IngestSessionOptions } from './ingest-session.ts';

/** Keeps a lake's ingest going, session after session, and knows how it is. */
export interface IngestRunner {
  /** Idempotent. */
  start(): void;
  catchUp(onTick: (intake: Intake, processed: number) => void): Promise<void>;
  state(): Omit<IngestState, 'maintenanceProblem'>;
  /** Generations not committed yet, oldest first. */
  uncommitted(): readonly Generation[];
  /** As `IngestSession`; undefined also while a session ends and the next begins. */
  findEvent(connection: DuckDBConnection, eventId: string): Promise<readonly FoundEntry[] | undefined>;
  /**
   * Changes Silver under ingest's feet (S4.3): commits the tail, prepares, forgets the dedupe state, carries
   * out, and begins anew from where Silver then stands. When preparing throws, everything goes on as before.
   */
  rebase<Plan, Result>(
    prepare: () => Promise<Plan>,
    carryOut: (plan: Plan) => Promise<Result>,
  ): Promise<Result>;
  /**
   * Commits the tail and lets go of the session. Idempotent.
   *
   * @throws PipelineError `ingest-tail-uncommitted` after letting go, when the tail could not be committed.
   */
  close(): Promise<void>;
}

export type SessionHandlers = Pick<IngestSessionOptions, 'onCommitted' | 'onProblem'>;

export interface IngestRunnerOptions {
  readonly openSession: (handlers: SessionHandlers) => Promise<IngestSession>;
  /** @param silverVersion Silver's, with the new rows in it. */
  readonly onCommitted: (silverVersion: number) => void;
  readonly clock: () => number;
}

export async function openIngestRunner({
  openSession,
  onCommitted,
  clock,
}: IngestRunnerOptions): Promise<IngestRunner> {
  let commits = 0;
  let processedBefore = 0;
  let lastCommit: (CommittedGeneration & { readonly at: number }) | undefined;
  let problem: unknown;
  let failed = false;
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const begin = (): Promise<IngestSession> =>
    openSession({
      onCommitted(commit) {
        commits += 1;
        lastCommit = { ...commit, at: clock() };
        silverVersion = commit.silverVersion;
        onCommitted(commit.silverVersion);
      },
      onProblem(found) {
        problem = found;
        return isHopeless(found) ? 'give-up' : 'retry';
      },
    });
  let session = await begin();
  let silverVersion = session.silverVersion;

  function start(): void {
    if (running !== undefined) return;
    const stop = new AbortController();
    failed = false;
    // Kept for `state`, which every status shows: a failed ingest is never hidden.
    const done = session.loop.run(stop.signal).catch((error: unknown) => {
      failed = true;
      problem = error;
    });
    running = { stop, done };
  }

  async function pause(): Promise<void> {
    running?.stop.abort();
    await running?.done;
    running = undefined;
  }

  async function close(): Promise<void> {
    await pause();
    await session.close('save');
    if (failed) throw tailUncommitted(problem);
  }

  let closed: Promise<void> | undefined;
  return {
    start,
    catchUp: (onTick) => session.loop.catchUp((intake) => onTick(intake, session.loop.processed())),
    state: () => ({
      phase: phaseOf(failed, running !== undefined, problem),
      problem: describeProblem(problem),
      silverVersion,
      tailRows: session.loop.uncommitted().reduce((sum, { silverRows }) => sum + silverRows, 0),
      processed: processedBefore + session.loop.processed(),
      lastCommit:
        lastCommit === undefined
          ? null
          : {
              at: new Date(lastCommit.at).toISOString(),
              version: lastCommit.silverVersion,
              rows: lastCommit.generation.silverRows,
              durationMs: Math.round(lastCommit.durationMs),
            },
      commits,
    }),
    uncommitted: () => session.loop.uncommitted(),
    findEvent: (connection, eventId) => session.findEvent(connection, eventId),
    async rebase(prepare, carryOut) {
      const wasRunning = running !== undefined;
      await pause();
      try {
        await session.loop.flush();
        const plan = await prepare();
        processedBefore += session.loop.processed();
        // First the state, then Silver: a crash in between costs a rebuild, the other order a wrong verdict.
        await session.close('forget');
        try {
          return await carryOut(plan);
        } finally {
          session = await begin();
          silverVersion = session.silverVersion;
        }
      } finally {
        if (wasRunning) start();
      }
    },
    close: () => (closed ??= close()),
  };
}

function phaseOf(failed: boolean, runs: boolean, problem: unknown): IngestState['phase'] {
  if (failed) return 'failed';
  if (!runs) return 'stopped';
  return problem === undefined ? 'running' : 'stalled';
}

/** Whether a problem stays whatever time passes and whatever anybody does while this process lives. */
function isHopeless(problem: unknown): boolean {
  return problem instanceof PipelineError && hopeless.has(problem.code);
}

const hopeless: ReadonlySet<string> = new Set(['ingest-fenced', 'lake-log-mismatch', 'lake-log-gone']);

function tailUncommitted(cause: unknown): PipelineError {
  const found = describeProblem(cause);
  return new PipelineError({
    code: 'ingest-tail-uncommitted',
    message: `Ingest stopped without committing its tail: ${found?.message ?? 'it had failed before'}`,
    hint: `Nothing is lost: the next start takes the records from the log again. ${found?.hint ?? ''}`.trim(),
    cause,
  });
}

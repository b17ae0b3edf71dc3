import type { LogReader } from '@clicklake/event-log';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { emptyGeneration, type Generation, type GenerationStart } from './generation.ts';
import type { IngestSettings } from './ingest-settings.ts';
import type { Intake, ReadPositions } from './intake.ts';
import { isOutOfMemory } from './out-of-memory.ts';
import type { ParsedIntake } from './parse-intake.ts';
import { createParsedIntakes, type ParseSteps } from './read-ahead.ts';
import type { TickResult } from './tick.ts';

/** What the loop drives; each is all or nothing, so that the loop may call it again after a failure. */
export interface IngestSteps extends ParseSteps {
  /** Adds a parsed intake to a generation. */
  tick(generation: Generation, parsed: ParsedIntake, nowMs: number): Promise<TickResult>;
  /** Shows new rows to queries. */
  publish(generation: Generation, rows: readonly DuckDBDataChunk[]): Promise<void>;
  /** Begins with what a commit takes longest for. The commit of the generation follows, once those before it stand. */
  stage(generation: Generation): void;
  /** Makes a generation durable, then forgets what it held in memory. */
  commit(generation: Generation): Promise<void>;
  /** Told when a step fails, and with undefined when one succeeds again; says whether to try again. */
  onProblem(problem: unknown): 'retry' | 'give-up';
}

export interface IngestLoop {
  /** Ticks and commits until the signal aborts, then commits the tail. Rejects when a step gave up. */
  run(signal: AbortSignal): Promise<void>;
  /**
   * Ticks until the log has nothing new, commits, and returns. Rejects at the first failure; only what failed for
   * want of memory is tried again, once and with nothing else at work. May be called again.
   */
  catchUp(onTick: (intake: Intake) => void): Promise<void>;
  /** Commits what has been taken up so far. */
  flush(): Promise<void>;
  /** Generations not committed yet, oldest first. */
  uncommitted(): readonly Generation[];
  /** Resolves when no commit is at work; a tick may wait for it, since none is begun during a tick. */
  commitsEnded(): Promise<void>;
  /** Records taken up since the start. */
  processed(): number;
}

interface PendingCommit {
  readonly generation: Generation;
  attempt: Promise<void>;
  failed: boolean;
}

/** One that becomes durable, and one whose rows are written meanwhile. */
const mostPending = 2;
const retryFirstMs = 250;
const retryMostMs = 10_000;

export function createIngestLoop(
  reader: LogReader,
  steps: IngestSteps,
  settings: IngestSettings,
  start: GenerationStart,
  clock: () => number,
): IngestLoop {
  let positions: ReadPositions = { events: start.eventsEnd, errors: start.errorsEnd };
  let current = emptyGeneration(start);
  /** Handed over and not durable yet, oldest first; each is committed after the one before it. */
  let pending: readonly PendingCommit[] = [];
  /** Ends the sleep of `waitForWork`. */
  let wake: (() => void) | undefined;
  const intakes = createParsedIntakes(reader, settings.tickBytes, steps);
  let processed = 0;

  async function takeUp(): Promise<Intake> {
    const parsed = await intakes.next(positions);
    const { intake } = parsed;
    if (intake.records === 0) return intake;
    const result = await tick(parsed);
    current = result.generation;
    positions = intake.next;
    processed += intake.records;
    if (result.visible.length > 0) await show(result.visible);
    return intake;
  }

  async function tick(parsed: ParsedIntake): Promise<TickResult> {
    try {
      return await steps.tick(current, parsed, clock());
    } catch (error) {
      await steps.discard(parsed);
      throw error;
    }
  }

  async function show(rows: readonly DuckDBDataChunk[]): Promise<void> {
    try {
      await steps.publish(current, rows);
    } catch (error) {
      // The rows are taken up already; the sooner they are committed, the sooner queries see them.
      current = { ...current, hidden: true };
      throw error;
    }
  }

  /** Rows that queries cannot see yet wait for a full batch while more is coming, and not at all otherwise. */
  function isDue(more: boolean): boolean {
    if (current.openedAt === undefined) return false;
    return current.bytes >= settings.commitBytes || msToCommit() <= 0 || (current.hidden && !more);
  }

  function msToCommit(): number {
    if (current.openedAt === undefined) return settings.commitIntervalMs;
    const age = clock() - current.openedAt;
    // A clock that jumped back must not keep the tail open until it has caught up (S1.5).
    return age < 0 ? 0 : settings.commitIntervalMs - age;
  }

  /** Starts the commit of the current generation behind those under way. */
  async function handOver(): Promise<void> {
    while (pending.length >= mostPending) await pending[0]?.attempt;
    if (current.openedAt === undefined) return;
    const generation = current;
    current = emptyGeneration({ ...generation, id: generation.id + 1 });
    const commit: PendingCommit = { generation, attempt: Promise.resolve(), failed: false };
    const before = pending.at(-1)?.attempt ?? Promise.resolve();
    pending = [...pending, commit];
    steps.stage(generation);
    attemptCommit(commit, before);
  }

  function attemptCommit(commit: PendingCommit, before: Promise<void>): void {
    commit.failed = false;
    commit.attempt = before
      .then(() => steps.commit(commit.generation))
      .then(
        () => {
          pending = pending.filter((other) => other !== commit);
        },
        (error: unknown) => {
          commit.failed = true;
          wake?.();
          throw error;
        },
      );
    // Whoever settles it sees the failure; until then it must not count as unhandled.
    commit.attempt.catch(() => undefined);
  }

  /** Waits for the pending commits. After a failure they stay pending: every step of them can be repeated. */
  async function settle(): Promise<void> {
    for (const { attempt } of pending) await attempt;
  }

  function hasFailed(): boolean {
    return pending.some(({ failed }) => failed);
  }

  function retryPending(): void {
    let before = Promise.resolve();
    for (const commit of pending) {
      if (commit.failed) attemptCommit(commit, before);
      before = commit.attempt;
    }
  }

  async function flush(): Promise<void> {
    retryPending();
    await handOver();
    await settle();
  }

  /** One round: takes up what is new and hands over what is due. Says whether there is more to take. */
  async function round(failedBefore: boolean): Promise<boolean> {
    // A commit that failed has to succeed first: nothing more is taken into memory meanwhile.
    if (failedBefore || hasFailed()) await settle();
    let intake: Intake | undefined;
    let problem: unknown;
    try {
      intake = await takeUp();
    } catch (error) {
      problem = error;
    }
    // What was taken up before stays due when the log cannot be read on (S5.1).
    const more = intake?.more ?? false;
    if (isDue(more)) await handOver();
    if (intake === undefined) throw problem;
    return more;
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        const more = await round(failures > 0);
        if (failures > 0) steps.onProblem(undefined);
        failures = 0;
        if (more) continue;
        const rest = settings.tickIntervalMs - (performance.now() - startedAt);
        if (rest > 0) await pauseOf(rest, signal);
        await waitForWork(signal);
      } catch (error) {
        if (steps.onProblem(error) === 'give-up') throw error;
        const pause = Math.min(retryMostMs, retryFirstMs * 2 ** failures);
        failures += 1;
        await pauseOf(pause, signal);
        retryPending();
      }
    }
    await takeLast();
    await flush();
  }

  /** What was acknowledged just before the stop belongs to the tail that a graceful stop commits (S4.4). */
  async function takeLast(): Promise<void> {
    try {
      // What was read ahead may be older than that.
      await intakes.drop();
      await takeUp();
    } catch (error) {
      // It stays in the log for the next start; what was taken up before is committed all the same.
      steps.onProblem(error);
    }
  }

  /** Sleeps while there is nothing to do: until the log grows, the tail is old enough, or a commit failed. */
  async function waitForWork(stop: AbortSignal): Promise<void> {
    if (stop.aborted || hasFailed()) return;
    // One controller and one timer, both gone afterwards: this happens four times a second for months.
    const sleep = new AbortController();
    const end = (): void => sleep.abort();
    const timer = setTimeout(end, Math.max(1, Math.ceil(msToCommit())));
    stop.addEventListener('abort', end, { once: true });
    wake = end;
    try {
      await reader.waitForAppend(sleep.signal);
    } finally {
      wake = undefined;
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
    }
  }

  async function catchUp(onTick: (intake: Intake) => void): Promise<void> {
    retryPending();
    /** Since the last tick that succeeded. */
    let short = false;
    for (;;) {
      try {
        const intake = await takeUp();
        onTick(intake);
        if (intake.records === 0) return await flush();
        if (isDue(intake.more)) await handOver();
        short = false;
      } catch (error) {
        if (short || !isOutOfMemory(error)) throw error;
        // Once nothing is prepared and nothing pending, there is as much of it as there can be.
        short = true;
        await intakes.drop();
        await flush();
      }
    }
  }

  return {
    run: (signal) => run(signal).finally(() => intakes.drop()),
    catchUp: (onTick) => catchUp(onTick).finally(() => intakes.drop()),
    flush,
    uncommitted: () => [...pending.map(({ generation }) => generation), current],
    async commitsEnded() {
      await Promise.allSettled(pending.map(({ attempt }) => attempt));
    },
    processed: () => processed,
  };
}

function pauseOf(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}

import type { LogReader } from '@clicklake/event-log';
import type { DuckDBDataChunk } from '@duckdb/node-api';
import { emptyGeneration, type Generation } from './generation.ts';
import type { IngestSettings } from './ingest-settings.ts';
import { takeIn, type Intake, type ReadPositions } from './intake.ts';
import type { TickResult } from './tick.ts';

/** What the loop drives; each is all or nothing, so that the loop may call it again after a failure. */
export interface IngestSteps {
  /** Adds an intake to a generation. */
  tick(generation: Generation, intake: Intake, tick: { number: number; nowMs: number }): Promise<TickResult>;
  /** Shows new rows to queries. */
  publish(generation: Generation, rows: readonly DuckDBDataChunk[]): Promise<void>;
  /** Makes a generation durable, then forgets what it held in memory. */
  commit(generation: Generation): Promise<void>;
  /** Told when a step fails, and with undefined when one succeeds again; says whether to try again. */
  onProblem(problem: unknown): 'retry' | 'give-up';
}

export interface IngestLoop {
  /** Ticks and commits until the signal aborts, then commits the tail. Rejects when a step gave up. */
  run(signal: AbortSignal): Promise<void>;
  /** Ticks until the log has nothing new, commits, and returns. Rejects at the first failure. */
  catchUp(onTick: (intake: Intake) => void): Promise<void>;
  /** Commits what has been taken up so far. */
  flush(): Promise<void>;
  /** Generations not committed yet, oldest first. */
  uncommitted(): readonly Generation[];
  /** Records taken up since the start. */
  processed(): number;
}

const retryFirstMs = 250;
const retryMostMs = 10_000;

export function createIngestLoop(
  reader: LogReader,
  steps: IngestSteps,
  settings: IngestSettings,
  start: ReadPositions,
  clock: () => number,
): IngestLoop {
  let positions = start;
  let current = emptyGeneration(1, start.events, start.errors);
  /** Handed over and not durable yet: at most one, so that commits keep their order. */
  let pending:
    | { readonly generation: Generation; readonly attempt: Promise<void>; readonly failed: boolean }
    | undefined;
  let ticks = 0;
  let processed = 0;

  async function takeUp(): Promise<Intake> {
    const intake = await takeIn(reader, positions, settings.tickBytes);
    if (intake.records === 0) return intake;
    const result = await steps.tick(current, intake, { number: (ticks += 1), nowMs: clock() });
    current = result.generation;
    positions = intake.next;
    processed += intake.records;
    if (result.visible.length > 0) await steps.publish(current, result.visible);
    return intake;
  }

  /** Rows that queries cannot see yet wait for a full batch while more is coming, and not at all otherwise. */
  function isDue(more: boolean): boolean {
    if (current.openedAt === undefined) return false;
    return current.bytes >= settings.commitBytes || msToCommit() <= 0 || (current.hidden && !more);
  }

  function msToCommit(): number {
    if (current.openedAt === undefined) return settings.commitIntervalMs;
    // A clock that jumped back must not keep the tail open for longer than the interval.
    return settings.commitIntervalMs - Math.max(0, clock() - current.openedAt);
  }

  /** Starts the commit of the current generation once the one before it is durable. */
  async function handOver(): Promise<void> {
    await settle();
    if (current.openedAt === undefined) return;
    const generation = current;
    current = emptyGeneration(generation.id + 1, generation.eventsEnd, generation.errorsEnd);
    attemptCommit(generation);
  }

  function attemptCommit(generation: Generation): void {
    const attempt = steps.commit(generation).then(
      () => {
        pending = undefined;
      },
      (error: unknown) => {
        pending = { generation, attempt, failed: true };
        throw error;
      },
    );
    pending = { generation, attempt, failed: false };
    // Whoever settles it sees the failure; until then it must not count as unhandled.
    attempt.catch(() => undefined);
  }

  /** Waits for the pending commit. After a failure it stays pending: every step of it can be repeated. */
  async function settle(): Promise<void> {
    await pending?.attempt;
  }

  function retryPending(): void {
    if (pending?.failed === true) attemptCommit(pending.generation);
  }

  async function flush(): Promise<void> {
    await handOver();
    await settle();
  }

  async function run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      let more = false;
      try {
        // Nothing more is taken into memory while a commit fails.
        if (failures > 0) await settle();
        more = (await takeUp()).more;
        if (isDue(more)) await handOver();
        if (failures > 0) steps.onProblem(undefined);
        failures = 0;
      } catch (error) {
        if (steps.onProblem(error) === 'give-up') throw error;
        const pause = Math.min(retryMostMs, retryFirstMs * 2 ** failures);
        failures += 1;
        await pauseOf(pause, signal);
        retryPending();
        continue;
      }
      if (more) continue;
      const rest = settings.tickIntervalMs - (performance.now() - startedAt);
      if (rest > 0) await pauseOf(rest, signal);
      await waitForWork(signal);
    }
    await flush();
  }

  /** Sleeps while there is nothing to do: until the log grows, or the tail has grown old enough. */
  async function waitForWork(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(msToCommit())));
    await reader.waitForAppend(AbortSignal.any([signal, deadline]));
  }

  return {
    run,
    async catchUp(onTick) {
      for (;;) {
        const intake = await takeUp();
        onTick(intake);
        if (isDue(intake.more) || intake.records === 0) await handOver();
        if (intake.records === 0) break;
      }
      await flush();
    },
    flush,
    uncommitted: () => [...(pending === undefined ? [] : [pending.generation]), current],
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

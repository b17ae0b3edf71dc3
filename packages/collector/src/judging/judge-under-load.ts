import { availableParallelism } from 'node:os';
import type { BodyJudge } from './body-judge.ts';
import { createJudgeHere, type JudgeOne } from './judge-here.ts';
import type { JudgeThread } from './judge-in-thread.ts';

export interface UnderLoadOptions {
  /** Judges here. */
  readonly judgeOne: JudgeOne;
  readonly startThread: () => JudgeThread;
  /** Told why a thread ended that was not told to. */
  readonly onFailure: (error: unknown) => void;
  readonly policy: ThreadPolicy;
}

/** When a thread is worth its memory, and a body the way to it. */
export interface ThreadPolicy {
  /** Bytes of bodies a second from which on there is a thread. */
  readonly startBytesPerSecond: number;
  /** How long it may be below that until the thread ends, ms. */
  readonly idleMs: number;
  /** How often that is looked at, ms. */
  readonly windowMs: number;
  /** Bytes below which a body is judged here while the thread has nothing to do: the way there costs more. */
  readonly smallBody: number;
  /** After a thread failed there is none for this long, ms. */
  readonly pauseAfterFailureMs: number;
}

/** From about 30,000 events a second on, which take a tenth of a core to judge. */
export const defaultPolicy: ThreadPolicy = {
  // With one core there is nothing to share.
  startBytesPerSecond: availableParallelism() > 1 ? 20 << 20 : Infinity,
  idleMs: 10_000,
  windowMs: 250,
  smallBody: 4 << 10,
  pauseAfterFailureMs: 5_000,
};

export interface JudgeUnderLoad extends BodyJudge {
  /** Whether there is a thread that can be given work. */
  hasThread(): boolean;
}

/** Judges here, and while there is much to do in a thread beside: then two cores share the work. */
export function createJudgeUnderLoad({
  judgeOne,
  startThread,
  onFailure,
  policy,
}: UnderLoadOptions): JudgeUnderLoad {
  const here = createJudgeHere(judgeOne);
  let thread: JudgeThread | undefined;
  /** Of the thread: it can be given work. */
  let isReady = false;
  const ending = new Set<Promise<void>>();
  let windowStart = performance.now();
  let windowBytes = 0;
  let busyAt = windowStart;
  let startNotBefore = 0;
  let closed = false;
  let idleTimer: NodeJS.Timeout | undefined;

  /** Counts what comes, and starts the thread when it is much. */
  function note(bytes: number): void {
    windowBytes += bytes;
    const now = performance.now();
    const elapsed = now - windowStart;
    if (elapsed < policy.windowMs) return;
    const perSecond = (windowBytes / elapsed) * 1_000;
    windowStart = now;
    windowBytes = 0;
    if (perSecond < policy.startBytesPerSecond) return;
    busyAt = now;
    if (thread === undefined && !closed && now >= startNotBefore) start();
  }

  function start(): void {
    const started = startThread();
    thread = started;
    started.ready.then(
      () => (isReady = thread === started),
      () => undefined,
    );
    void started.ended.then((failure) => {
      if (thread === started) leave();
      if (failure === undefined) return;
      startNotBefore = performance.now() + policy.pauseAfterFailureMs;
      onFailure(failure);
    });
    idleTimer = setInterval(endWhenIdle, policy.idleMs / 2).unref();
  }

  function endWhenIdle(): void {
    if (performance.now() - busyAt < policy.idleMs || thread?.pending() !== 0) return;
    const idle = thread;
    leave();
    const end = idle.close().finally(() => ending.delete(end));
    ending.add(end);
  }

  /** From now on all is judged here. */
  function leave(): void {
    thread = undefined;
    isReady = false;
    clearInterval(idleTimer);
  }

  return {
    judge(task, take) {
      note(task.body.length);
      if (thread === undefined || !isReady) return here.judge(task, take);
      if (thread.pending() === 0 && task.body.length < policy.smallBody) return here.judge(task, take);
      return thread.judge(task, take);
    },
    pending: () => thread?.pending() ?? 0,
    hasThread: () => isReady,
    async close() {
      closed = true;
      const last = thread;
      clearInterval(idleTimer);
      await last?.close();
      await Promise.all(ending);
    },
  };
}

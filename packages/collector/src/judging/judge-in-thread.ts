import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Contract } from '@clicklake/contract';
import { Refusal } from '../refusal.ts';
import type { BodyJudge, JudgeTask, Verdict } from './body-judge.ts';
import type { JudgeOne } from './judge-here.ts';
import { control, createSharedSlots, openSlot, slotCount } from './judge-slots.ts';
import type { JudgeThreadData } from './judge-thread.ts';

export interface JudgeThread extends BodyJudge {
  /** Resolves when it can be given work; rejects when it ended before that. */
  readonly ready: Promise<void>;
  /** Resolves when the thread has ended; with what made it end, unless it was told to. */
  readonly ended: Promise<Error | undefined>;
  /** Ends it now, whatever it is doing. */
  kill(): void;
}

export interface JudgeThreadOptions {
  readonly contract: Contract;
  readonly maxEvents: number;
  /** Judges what does not fit the memory shared with the thread. */
  readonly judgeOne: JudgeOne;
}

interface Pending {
  readonly task: JudgeTask;
  /** Gives the verdict on, or tells why there is none. Never throws. */
  settle(verdictOf: () => Verdict): void;
}

/**
 * Judges in a thread of its own, so that this one has its time for HTTP and the log. Bodies cross through memory
 * that both share: there is no message but the one that wakes this side up.
 */
export function startJudgeThread({ contract, maxEvents, judgeOne }: JudgeThreadOptions): JudgeThread {
  const shared = createSharedSlots();
  const rules = { judgedBy: contract.fingerprint, maxEvents };
  const slots = Array.from({ length: slotCount }, (_, index) => openSlot(shared, index, rules));
  const words = new Int32Array(shared.control);
  const queue: Pending[] = [];
  /** Of the queue, how many are with the thread: its first ones. */
  let given = 0;
  let submitted = 0;
  let taken = 0;
  let working = false;
  let closing = false;
  let hasEnded = false;

  const fromSource = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(`./judge-thread.${fromSource ? 'ts' : 'js'}`, import.meta.url), {
    workerData: { shared, settings: contract.settings, maxEvents } satisfies JudgeThreadData,
    name: 'clicklake judge',
    execArgv: fromSource ? ['--conditions=source'] : [],
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
  });
  const isUp = once(worker, 'message');
  worker.on('message', work);
  let failure: Error | undefined;
  worker.once('error', (error) => (failure = error instanceof Error ? error : new Error(String(error))));
  const ended = new Promise<Error | undefined>((resolve) => {
    worker.once('exit', (code) => {
      hasEnded = true;
      failAll();
      resolve(closing ? undefined : (failure ?? new Error(`The judging thread ended with code ${code}.`)));
    });
  });
  const ready = Promise.race([isUp, ended.then(() => Promise.reject(judgingFailed()))]).then(() => undefined);
  // Who waits for neither hears of it through the tasks.
  ready.catch(() => undefined);

  /** Takes what was judged, gives what is waiting, until there is nothing to do but to wait. */
  function work(): void {
    // Whoever takes a verdict may come with the next task.
    if (working) return;
    working = true;
    for (;;) {
      while (taken < Atomics.load(words, control.judged)) takeNext();
      give();
      if (given === 0) break;
      Atomics.store(words, control.feederWaits, 1);
      if (taken === Atomics.load(words, control.judged)) break;
    }
    working = false;
    if (closing && queue.length === 0) stop();
  }

  function takeNext(): void {
    const slot = slots[taken % slotCount];
    const pending = queue.shift();
    if (pending !== undefined && slot !== undefined) {
      const { task } = pending;
      pending.settle(() => slot.verdict(task.facts) ?? judgeOne(task));
    }
    given -= 1;
    taken += 1;
  }

  /** Fills free slots in order; what does not fit one is judged here, when nothing is before it any more. */
  function give(): void {
    while (given < slotCount) {
      const next = queue[given];
      if (next === undefined) break;
      const slot = slots[submitted % slotCount];
      if (slot?.putTask(next.task) !== true) {
        if (given > 0) break;
        queue.shift();
        next.settle(() => judgeOne(next.task));
        continue;
      }
      given += 1;
      submitted += 1;
      Atomics.store(words, control.submitted, submitted);
      Atomics.notify(words, control.submitted, 1);
    }
  }

  function stop(): void {
    Atomics.store(words, control.stop, 1);
    Atomics.notify(words, control.submitted, 1);
  }

  function failAll(): void {
    for (const pending of queue.splice(0)) {
      pending.settle(() => {
        throw judgingFailed();
      });
    }
    given = 0;
  }

  return {
    ready,
    ended,
    judge<T>(task: JudgeTask, take: (verdict: Verdict) => T | Promise<T>): Promise<T> {
      if (hasEnded || closing) return Promise.reject(judgingFailed());
      return new Promise<T>((resolve, reject) => {
        queue.push({
          task,
          settle(verdictOf) {
            try {
              resolve(take(verdictOf()));
            } catch (error) {
              reject(error instanceof Error ? error : new Error(String(error)));
            }
          },
        });
        work();
      });
    },
    pending: () => queue.length,
    kill: () => void worker.terminate(),
    async close() {
      closing = true;
      work();
      await ended;
    },
  };
}

function judgingFailed(): Refusal {
  return new Refusal({
    code: 'judging-failed',
    message: 'The thread that judges events ended; nothing of this request was stored.',
    hint: 'Send it again after the time in Retry-After.',
    retryAfterSeconds: 1,
  });
}

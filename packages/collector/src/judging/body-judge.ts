import type { PrepareContext } from '@clicklake/contract';
import type { BodyFormat } from '../body-format.ts';
import type { UnparseableBody } from './judge-body.ts';
import type { JudgedEvents } from './judged-events.ts';

/** What the verdict on an event depends on besides its bytes: plain data, so that it can cross to a thread. */
export type RequestFacts = Omit<PrepareContext, 'enrich' | 'newEventId'>;

export interface JudgeTask {
  /** Valid, and unchanged, until the verdict was taken. */
  readonly body: Buffer;
  readonly format: BodyFormat;
  readonly facts: RequestFacts;
}

export type Verdict = JudgedEvents | UnparseableBody;

/**
 * Judges bodies, one after the other. Where it does that is its own affair.
 *
 * Tasks are taken in the order of the calls, whatever their size and wherever they are judged: `received_at` is in
 * the facts, so this order is what keeps it from decreasing in the log (S1.5). Where nothing is before a task it
 * may be taken within the call.
 */
export interface BodyJudge {
  /**
   * Resolves with what `take` returned or resolved to. The memory of what it is given is used again once it
   * returns, outcomes apart.
   *
   * @throws Refusal `too-many-events`; `judging-failed` (503) when the thread that had the body ended. Nothing was
   *   taken then.
   */
  judge<T>(task: JudgeTask, take: (verdict: Verdict) => T | Promise<T>): Promise<T>;
  /** Tasks not taken yet. */
  pending(): number;
  /** Waits until every task was taken, then ends. Idempotent. */
  close(): Promise<void>;
}

import { setTimeout as delay } from 'node:timers/promises';
import type { Run, WebhookCall } from './run.ts';

/** Tells somebody's HTTP address of failed runs, one after another; the jobs do not wait for it. */
export interface Webhook {
  /** Calls `onOutcome` once it is delivered, or given up. Never throws. */
  tell(run: Run, onOutcome: (call: WebhookCall) => void): void;
  /** Lets what waits be tried once, for a few seconds; gives up the rest, and says so. Idempotent. */
  close(): Promise<void>;
}

export interface WebhookOptions {
  readonly url: string;
  /** Names the lake to whoever gets the messages of several. */
  readonly home: string;
  readonly timeoutMs: number;
  /** Between two attempts, ms: one more attempt than there are pauses. */
  readonly pausesMs: readonly number[];
}

/** A command that fails ends at once, and its failure is to be told all the same. */
const closeGraceMs = 3_000;

export const webhookDefaults = { timeoutMs: 10_000, pausesMs: [1_000, 5_000] } as const;

/** More are not kept waiting for an address that does not answer. */
const mostWaiting = 20;

export function createWebhook({ url, home, timeoutMs, pausesMs }: WebhookOptions): Webhook {
  const ending = new AbortController();
  const closing = new AbortController();
  const isEnding = (): boolean => ending.signal.aborted;
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  async function deliver(run: Run): Promise<WebhookCall> {
    const body = JSON.stringify(messageOf(run, home));
    for (let attempts = 1; ; attempts += 1) {
      const answer = await post(url, body, AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]));
      if (answer.error === null) return { outcome: 'delivered', attempts, error: null };
      const pause = pausesMs[attempts - 1];
      if (pause === undefined || !answer.again || isEnding())
        return { outcome: 'failed', attempts, error: answer.error };
      await delay(pause, undefined, { signal: ending.signal }).catch(() => undefined);
      if (isEnding()) return { outcome: 'failed', attempts, error: answer.error };
    }
  }

  return {
    tell(run, onOutcome) {
      if (ending.signal.aborted || waiting >= mostWaiting) {
        const error = ending.signal.aborted ? 'The process stops.' : `${mostWaiting} calls wait before it.`;
        return onOutcome({ outcome: 'failed', attempts: 0, error });
      }
      waiting += 1;
      last = last.then(async () => {
        onOutcome(await deliver(run));
        waiting -= 1;
      });
    },
    async close() {
      ending.abort();
      const timer = setTimeout(() => closing.abort(new Error('The process stops.')), closeGraceMs);
      await last;
      clearTimeout(timer);
    },
  };
}

/** What the address gets: JSON, as docs/operations.md describes it. */
function messageOf(run: Run, home: string): unknown {
  const { id, job, trigger, attempt, startedAt, endedAt, error, retryAt } = run;
  return { event: 'job-failed', home, run: id, job, trigger, attempt, startedAt, endedAt, error, retryAt };
}

/** @returns `again`: another attempt may go better. */
async function post(
  url: string,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly error: string | null; readonly again: boolean }> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'clicklake' },
      body,
      // A redirect would carry the message to an address that nobody has configured.
      redirect: 'manual',
      signal,
    });
    await response.body?.cancel();
    const { status, ok } = response;
    if (ok) return { error: null, again: false };
    return { error: `It answered ${status}.`, again: status >= 500 || status === 429 || status === 408 };
  } catch (error) {
    return { error: reasonOf(error), again: true };
  }
}

/** fetch hides what happened behind "fetch failed". The address itself is not told: it may hold a secret. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'It failed without a reason.';
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message.slice(0, 200);
  return error.message.slice(0, 200);
}

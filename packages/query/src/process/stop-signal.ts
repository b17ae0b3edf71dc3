import { QueryError } from '../query-error.ts';

/** Says when a query has to stop and why. */
export interface StopSignal {
  /** Aborted with a QueryError as its reason. */
  readonly signal: AbortSignal;
  /** Rejects with that reason; never resolves. */
  readonly stopped: Promise<never>;
  stop(reason: QueryError): void;
  dispose(): void;
}

/** @param timeoutMs milliseconds from now until `query-timeout`. */
export function openStopSignal(timeoutMs: number, cancel: AbortSignal | undefined): StopSignal {
  const controller = new AbortController();
  const stopped = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as QueryError), {
      once: true,
    });
  });
  // Whoever races against it sees the rejection; nobody may be left to see it after the query's end.
  stopped.catch(() => undefined);
  const onTimeout = (): void =>
    controller.abort(
      new QueryError({
        code: 'query-timeout',
        message: `The query ran longer than ${timeoutMs / 1000} s and was stopped.`,
        hint: 'Restrict it, best by event_date, or aggregate less at once.',
        details: { timeoutMs },
      }),
    );
  const onCancel = (): void =>
    controller.abort(
      new QueryError({
        code: 'query-cancelled',
        message: 'The query was cancelled.',
        hint: 'Run it again when you need its answer.',
      }),
    );
  const timer = setTimeout(onTimeout, timeoutMs);
  cancel?.addEventListener('abort', onCancel, { once: true });
  if (cancel?.aborted) onCancel();
  return {
    signal: controller.signal,
    stopped,
    stop: (reason) => controller.abort(reason),
    dispose() {
      clearTimeout(timer);
      cancel?.removeEventListener('abort', onCancel);
    },
  };
}

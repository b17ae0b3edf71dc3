import type { AppendSignal } from './append-signal.ts';
import type { DurableEnd } from './durable-ends.ts';

/** How often the published ends are looked at when the writer is another process. */
const pollMs = 20;
/** With a writer in this process the signal wakes; this only covers that writer's going away. */
const fallbackMs = 500;

/** `waitForAppend` of one reader: remembers what the last call saw. */
export function appendWait(
  publishedEnds: () => Promise<readonly DurableEnd[]>,
  signal: AppendSignal,
): (abort: AbortSignal) => Promise<void> {
  let seen = '';
  return async (abort) => {
    while (!abort.aborted) {
      // Listen first, look then: what is published between the two must wake.
      const wake = nextWake(signal, abort);
      const now = (await publishedEnds()).map(({ endOffset }) => endOffset.toString()).join();
      if (now !== seen) {
        seen = now;
        wake.cancel();
        return;
      }
      await wake.promise;
    }
  };
}

function nextWake(signal: AppendSignal, abort: AbortSignal): { promise: Promise<void>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const wake = () => {
    clearTimeout(timer);
    unsubscribe();
    abort.removeEventListener('abort', wake);
    resolve(undefined);
  };
  const timer = setTimeout(wake, signal.writerIsOpen ? fallbackMs : pollMs);
  const unsubscribe = signal.onNext(wake);
  abort.addEventListener('abort', wake);
  return { promise, cancel: wake };
}

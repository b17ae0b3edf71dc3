/**
 * Stamps received_at: milliseconds that never decrease, not within this process, nor after a restart under a
 * clock that jumped back (S1.5). The stamp must reach the log in the same turn of the event loop, since
 * offsets are given out in the order of the calls.
 *
 * @param now the wall clock, ms
 * @param newestInLog timestamp of the newest record in the log, ms
 */
export function createReceivedAt(now: () => number, newestInLog: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(last, Math.trunc(now()), newestInLog());
    return last;
  };
}

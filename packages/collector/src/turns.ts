/**
 * Lets the event loop look for ended I/O between the requests that it has to judge: else every group commit waits,
 * between its write and its fsync and again before its answers, until all bodies that have arrived are judged.
 */
export interface Turns {
  /**
   * Resolves when it is the turn of a body of so many bytes, first come, first served. Of none, when nothing waits,
   * that is at once.
   */
  next(bytes: number): Promise<void>;
}

/** @param bytesPerTurn how much is judged in one turn of the event loop: one larger body alone, or many small ones */
export function createTurns(bytesPerTurn: number): Turns {
  const waiting: { readonly bytes: number; readonly begin: () => void }[] = [];

  function take(): void {
    let left = bytesPerTurn;
    do {
      const first = waiting.shift();
      first?.begin();
      left -= first?.bytes ?? 0;
    } while (waiting.length > 0 && left > 0);
    if (waiting.length > 0) setImmediate(take);
  }

  return {
    next(bytes) {
      if (bytes === 0 && waiting.length === 0) return Promise.resolve();
      return new Promise((begin) => {
        if (waiting.push({ bytes, begin }) === 1) setImmediate(take);
      });
    },
  };
}

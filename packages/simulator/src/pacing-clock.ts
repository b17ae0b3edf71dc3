import { setTimeout as delay } from 'node:timers/promises';

/** The time by which a run is paced. Monotonic: not the time of day. */
export interface PacingClock {
  /** Milliseconds since an arbitrary start, with fractions. */
  now(): number;
  /** Resolves after `milliseconds`, or at once when the signal fires. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const realPacingClock: PacingClock = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await delay(milliseconds, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  },
};

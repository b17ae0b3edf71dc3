import type { PacingClock } from './pacing-clock.ts';

/** When how many records may be sent. */
export interface Schedule {
  /** How many may be taken now, when `taken` were before. */
  due(taken: number): number;
  /** Milliseconds to wait when none is due. */
  untilNext(taken: number): number;
  /** How long ago the next record was due, ms. */
  behindMs(taken: number): number;
}

export const flatOut: Schedule = { due: () => Infinity, untilNext: () => 0, behindMs: () => 0 };

/** At rates where records are due faster than this, they are sent in batches at this interval. */
export const flushIntervalMs = 25;

/**
 * A run that falls behind catches up, so its rate holds over seconds. Further behind than this (a sleeping
 * laptop, a collector that cannot keep up) it lets the missed records go instead of flooding the collector.
 */
export const longestCatchUpMs = 5000;

/** Record k is due at start + k / rate: an absolute schedule, so that late wake-ups do not add up. */
export function createSchedule(eventsPerSecond: number, clock: PacingClock): Schedule {
  const interval = 1000 / eventsPerSecond;
  const shortestWait = interval < flushIntervalMs ? flushIntervalMs : 1;
  let start = clock.now();
  const behindMs = (taken: number): number => Math.max(0, clock.now() - start - taken * interval);
  return {
    due(taken) {
      start += Math.max(0, behindMs(taken) - longestCatchUpMs);
      return Math.floor((clock.now() - start) / interval) + 1 - taken;
    },
    untilNext: (taken) => Math.max(start + taken * interval - clock.now(), shortestWait),
    behindMs,
  };
}

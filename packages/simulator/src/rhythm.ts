import { countries, type Country } from './countries.ts';

const minute = 60_000;
const hour = 60 * minute;
export const day = 24 * hour;

/** How busy shoppers are in each hour of their own day: asleep at 4, a lunch bump, the peak at 20. */
const hourOfDay = [
  0.3, 0.18, 0.1, 0.07, 0.06, 0.09, 0.18, 0.32, 0.46, 0.55, 0.62, 0.68, 0.74, 0.7, 0.62, 0.6, 0.63, 0.7, 0.8,
  0.92, 1, 0.97, 0.8, 0.54,
] as const;

/** Sunday first, as in `Date.getUTCDay`: people shop most on the sofa. */
const dayOfWeek = [1, 0.84, 0.8, 0.8, 0.78, 0.74, 0.88] as const;

/** The first day of the epoch was a Thursday. */
const epochWeekday = 4;

/** How active people of `country` are at `instant` (ms since the epoch), in (0, 1]. */
export function activityAt(country: Country, instant: number): number {
  const local = instant + country.utcOffsetMinutes * minute;
  const days = Math.floor(local / day);
  const weekday = (((days + epochWeekday) % 7) + 7) % 7;
  return (dayOfWeek[weekday] ?? 1) * (hourOfDay[Math.floor((local - days * day) / hour)] ?? 1);
}

function worldActivityAt(instant: number): number {
  return countries.reduce((sum, country) => sum + country.weight * activityAt(country, instant), 0);
}

/**
 * Which instant the `index`-th record is sent at, ms since the epoch.
 * It is all a simulation knows of time, so the same simulation runs live, accelerated and in the past.
 */
export type SimulationClock = (index: number) => number;

/** A live clock that is repeatable: record k is sent at `startAt` + k / `eventsPerSecond`. */
export function scheduledClock(startAt: number, eventsPerSecond: number): SimulationClock {
  return (index) => startAt + (index * 1000) / eventsPerSecond;
}

/**
 * A back-fill clock: spreads `events` records over the `days` before `endAt` by the daily and weekly rhythm of
 * the world's shoppers. Record 0 is sent at the start, record `events` would be at `endAt`.
 */
export function backFillClock(range: {
  readonly endAt: number;
  readonly days: number;
  readonly events: number;
}): SimulationClock {
  const startAt = range.endAt - range.days * day;
  const hours = Math.max(1, Math.ceil(range.days * 24));
  const width = (range.endAt - startAt) / hours;
  const running = new Float64Array(hours + 1);
  for (let slot = 0; slot < hours; slot += 1) {
    running[slot + 1] = (running[slot] ?? 0) + worldActivityAt(startAt + (slot + 0.5) * width);
  }
  const total = running[hours] ?? 1;
  return (index) => {
    const target = (index / range.events) * total;
    const slot = slotOf(running, target);
    const from = running[slot] ?? 0;
    const within = (target - from) / ((running[slot + 1] ?? total) - from);
    return Math.min(range.endAt, startAt + (slot + within) * width);
  };
}

/** The slot whose running sums enclose `target`. A search, not a cursor: a clock may be used twice. */
function slotOf(running: Float64Array, target: number): number {
  let low = 0;
  let high = running.length - 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((running[middle + 1] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  return low;
}

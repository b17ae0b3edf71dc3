import type { LakeAdmin, Vitals } from '../admin/lake-admin.ts';
import type { Ledger } from '@clicklake/pipeline';
import type { LiveSample } from './live-sample.ts';

/** How far back a new listener sees. */
const historyLength = 120;
/** The ledger reads three snapshots and the log's end: not every second. */
const samplesPerLedger = 3;

/** Samples of the running system, once a second while somebody listens. */
export interface LiveFeed {
  /** Calls the listener with each new sample; at once with those of the last two minutes, as far as there are. */
  listen(listener: (sample: LiveSample) => void): { stop(): void };
  listeners(): number;
  /** Ends the sampling. Idempotent. */
  close(): void;
}

export interface LiveFeedOptions {
  readonly vitals: () => Vitals;
  readonly ledger: LakeAdmin['ledger'];
  readonly now: () => number;
  readonly intervalMs?: number;
}

export function createLiveFeed({
  vitals,
  ledger: countLedger,
  now,
  intervalMs = 1000,
}: LiveFeedOptions): LiveFeed {
  const listeners = new Set<(sample: LiveSample) => void>();
  const history: LiveSample[] = [];
  let timer: NodeJS.Timeout | undefined;
  let sampling = false;
  let ledger: Ledger | null = null;
  let count = 0;

  async function sample(): Promise<void> {
    // One that takes longer than the interval makes the stream slower, not the system.
    if (sampling) return;
    sampling = true;
    // When the lake cannot be counted now (it is closing, or unreadable), the rest is still told.
    if (count % samplesPerLedger === 0) ledger = await countLedger({ deep: false }).catch(() => null);
    sampling = false;
    if (listeners.size === 0) return;
    count += 1;
    const next = toSample(vitals(), ledger, now(), history.at(-1));
    history.push(next);
    if (history.length > historyLength) history.shift();
    for (const listener of listeners) listener(next);
  }

  function pause(): void {
    clearInterval(timer);
    timer = undefined;
    history.length = 0;
    count = 0;
  }

  return {
    listen(listener) {
      for (const past of history) listener(past);
      listeners.add(listener);
      if (timer === undefined) {
        timer = setInterval(() => void sample(), intervalMs);
        void sample();
      }
      return {
        stop() {
          listeners.delete(listener);
          if (listeners.size === 0) pause();
        },
      };
    },
    listeners: () => listeners.size,
    close() {
      listeners.clear();
      pause();
    },
  };
}

/** Rates are differences of counters, so that a sample that came late does not show a dip or a peak. */
export function toSample(
  vitals: Vitals,
  ledger: Ledger | null,
  at: number,
  last: LiveSample | undefined,
): LiveSample {
  const accepted = vitals.collector?.accepted ?? 0;
  const rejected = vitals.collector?.rejected ?? 0;
  const seconds = last === undefined ? 0 : (at - last.at) / 1000;
  const perSecond = (total: number, before: number | undefined): number =>
    before === undefined || seconds <= 0 ? 0 : Math.max(0, (total - before) / seconds);
  const { ingest } = vitals;
  return {
    at,
    acceptedPerSecond: perSecond(accepted, last?.accepted),
    rejectedPerSecond: perSecond(rejected, last?.rejected),
    accepted,
    rejected,
    phase: ingest?.phase ?? null,
    problem: ingest?.problem ?? null,
    tailRows: ingest?.tailRows ?? 0,
    silverVersion: ingest?.silverVersion ?? null,
    lastCommit: ingest?.lastCommit ?? null,
    residentBytes: vitals.residentBytes,
    uptimeSeconds: vitals.uptimeSeconds,
    lag: ledger?.in_flight ?? 0,
    jobs: vitals.jobs,
    ledger,
  };
}

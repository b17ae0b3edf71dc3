import type { LakeAdmin, Overview } from '../admin/lake-admin.ts';
import type { LiveSample } from './live-sample.ts';
import type { Ledger } from '@clicklake/pipeline';

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
  readonly admin: Pick<LakeAdmin, 'overview' | 'ledger'>;
  readonly now: () => number;
  readonly intervalMs?: number;
}

export function createLiveFeed({ admin, now, intervalMs = 1000 }: LiveFeedOptions): LiveFeed {
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
    try {
      if (count % samplesPerLedger === 0) ledger = await admin.ledger({ deep: false });
      const next = toSample(await admin.overview(), ledger, now(), history.at(-1));
      count += 1;
      history.push(next);
      if (history.length > historyLength) history.shift();
      for (const listener of listeners) listener(next);
    } catch {
      // The lake is closing, or cannot be read now; listeners see that the stream pauses.
      ledger = null;
    } finally {
      sampling = false;
    }
  }

  function pause(): void {
    clearInterval(timer);
    timer = undefined;
    history.length = 0;
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
  overview: Overview,
  ledger: Ledger | null,
  at: number,
  last: LiveSample | undefined,
): LiveSample {
  const accepted = overview.collector?.accepted ?? 0;
  const rejected = overview.collector?.rejected ?? 0;
  const seconds = last === undefined ? 0 : (at - last.at) / 1000;
  const perSecond = (total: number, before: number | undefined): number =>
    before === undefined || seconds <= 0 ? 0 : Math.max(0, (total - before) / seconds);
  const { ingest } = overview;
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
    residentBytes: overview.residentBytes,
    uptimeSeconds: overview.uptimeSeconds,
    lag: overview.lag,
    ledger,
  };
}

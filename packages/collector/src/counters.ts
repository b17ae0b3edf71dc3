import type { AppendedRequest } from './collector-options.ts';
import type { RefusalCode } from './refusal.ts';

/** What the collector has done since it was created. */
export interface CollectorSnapshot {
  /** Requests to `POST /v1/events` that were answered 200. */
  readonly requests: number;
  readonly accepted: number;
  /** Events in `clickstream-errors`; an unparseable body is one. */
  readonly rejected: number;
  /** Of bodies stored, decoded. */
  readonly bytes: number;
  /** Bytes of bodies held now. */
  readonly inFlightBytes: number;
  /** Whether a second thread judges events now. */
  readonly judgingThread: boolean;
  /** Requests turned away, by code. */
  readonly refused: Readonly<Partial<Record<RefusalCode, number>>>;
}

export interface Counters {
  appended(request: Pick<AppendedRequest, 'accepted' | 'rejected' | 'bytes'>): void;
  answered(): void;
  refused(code: RefusalCode): void;
  snapshot(now: Pick<CollectorSnapshot, 'inFlightBytes' | 'judgingThread'>): CollectorSnapshot;
}

export function createCounters(): Counters {
  const totals = { requests: 0, accepted: 0, rejected: 0, bytes: 0 };
  const refusals: Partial<Record<RefusalCode, number>> = {};
  return {
    appended({ accepted, rejected, bytes }) {
      totals.accepted += accepted;
      totals.rejected += rejected;
      totals.bytes += bytes;
    },
    answered() {
      totals.requests += 1;
    },
    refused(code) {
      refusals[code] = (refusals[code] ?? 0) + 1;
    },
    snapshot: (now) => ({ ...totals, ...now, refused: { ...refusals } }),
  };
}

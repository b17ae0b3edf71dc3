import type { SimulatedRecord } from './simulated-record.ts';

/** Where records go: a collector, or a log. */
export interface EventSink {
  /**
   * Delivers all records, in order, and retries until they are: resolves only when each is durable there.
   * Calls may overlap when the run allows it.
   * @throws when delivery is impossible or the signal fired; some of the records may then be there.
   */
  send(records: readonly SimulatedRecord[], signal: AbortSignal): Promise<SendOutcome>;
}

export interface SendOutcome {
  /** As the other side said. */
  readonly accepted: number;
  readonly rejected: number;
  /** Records whose verdict is not the expected one: a defect here or there. */
  readonly surprises: readonly Surprise[];
  /** Records sent again after an attempt with an unknown end: each such attempt may have left a copy. */
  readonly resent: readonly SimulatedRecord[];
}

export interface Surprise {
  readonly record: SimulatedRecord;
  readonly status: 'accepted' | 'rejected';
  readonly reason: string | null;
}

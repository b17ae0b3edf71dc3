import type { SimulatedRecord } from './simulated-record.ts';
import { isoTimestamp, type EventType } from './simulated-event.ts';

/**
 * The truth file: NDJSON, one line per record sent, in the order in which deliveries ended, and a summary at
 * the end. It is enough to compute Silver's counts and Gold's tables without the pipeline.
 */
export type TruthLine = TruthEvent | TruthDuplicate | TruthMalformed | TruthSummary;

/** What every record's line says of its delivery; absent in the usual case, which is one and done. */
export interface TruthDelivery {
  /**
   * How often it was sent in all, when more than once after an attempt with an unknown end. Each extra one may
   * be a further duplicate, or for a malformed record a further dead letter, that no line counts.
   */
  readonly sends?: number;
  /** False when the run was given up: it may or may not have arrived. */
  readonly delivered?: false;
}

export interface TruthEvent extends TruthDelivery {
  readonly kind: 'event';
  readonly expected: 'silver';
  readonly event_id: string;
  readonly event_type: EventType;
  readonly event_name: string | null;
  readonly user_id: string | null;
  readonly anonymous_id: string;
  readonly session_id: string;
  readonly product_id: string | null;
  /** As sent: ISO 8601 in UTC with milliseconds. */
  readonly timestamp: string;
  readonly time_on_page: number;
  readonly is_bot: boolean;
  /** How old the event was when sent, ms; absent when it was sent at once. */
  readonly late_by?: number;
}

/** Another copy of the event with this id, whose own line may come later when sends overlap. */
export interface TruthDuplicate extends TruthDelivery {
  readonly kind: 'duplicate';
  readonly expected: 'duplicates';
  readonly event_id: string;
}

export interface TruthMalformed extends TruthDelivery {
  readonly kind: 'malformed';
  readonly expected: 'dead_letters';
  readonly event_id: string | null;
  readonly malformed_kind: string;
  readonly reason: string;
}

/** What the ledger must show after a run with every record delivered. */
export interface TruthSummary {
  readonly kind: 'summary';
  readonly records: number;
  readonly silver: number;
  readonly duplicates: number;
  readonly dead_letters: number;
  /** Extra copies that may be there besides, because an attempt's end was unknown. */
  readonly resent_valid: number;
  readonly resent_malformed: number;
  /** Records counted above that may not be there at all. */
  readonly undelivered: number;
  readonly late: number;
  readonly bots: number;
  readonly malformed: Readonly<Record<string, number>>;
}

/** A record's line, without its newline. */
export function truthLineOf(
  record: SimulatedRecord,
  delivery: TruthDelivery,
): TruthEvent | TruthDuplicate | TruthMalformed {
  if (record.kind === 'malformed') {
    const { eventId, malformedKind, reason } = record;
    return {
      kind: 'malformed',
      expected: 'dead_letters',
      event_id: eventId,
      malformed_kind: malformedKind,
      reason,
      ...delivery,
    };
  }
  if (record.kind === 'duplicate') {
    return { kind: 'duplicate', expected: 'duplicates', event_id: record.eventId, ...delivery };
  }
  const { event } = record;
  return {
    kind: 'event',
    expected: 'silver',
    event_id: event.eventId,
    event_type: event.eventType,
    event_name: event.eventName,
    user_id: event.userId,
    anonymous_id: event.anonymousId,
    session_id: event.sessionId,
    product_id: event.productId,
    timestamp: isoTimestamp(event.timestamp),
    time_on_page: event.timeOnPage,
    is_bot: event.isBot,
    ...(event.lateBy > 0 ? { late_by: event.lateBy } : {}),
    ...delivery,
  };
}

/** Counts lines: the writer's summary, and a reader's check of it. */
export interface TruthTally {
  add(line: TruthLine): void;
  summary(): TruthSummary;
}

export function createTruthTally(): TruthTally {
  const malformed: Record<string, number> = {};
  const total = {
    records: 0,
    silver: 0,
    duplicates: 0,
    dead_letters: 0,
    resent_valid: 0,
    resent_malformed: 0,
    undelivered: 0,
    late: 0,
    bots: 0,
  };
  return {
    add(line) {
      if (line.kind === 'summary') return;
      total.records += 1;
      total[line.expected] += 1;
      if (line.delivered === false) total.undelivered += 1;
      const resent = (line.sends ?? 1) - 1;
      if (line.kind === 'malformed') {
        total.resent_malformed += resent;
        malformed[line.malformed_kind] = (malformed[line.malformed_kind] ?? 0) + 1;
      } else {
        total.resent_valid += resent;
      }
      if (line.kind === 'event') {
        if (line.late_by !== undefined) total.late += 1;
        if (line.is_bot) total.bots += 1;
      }
    },
    summary: () => ({ kind: 'summary', ...total, malformed: { ...malformed } }),
  };
}

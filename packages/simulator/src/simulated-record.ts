import type { RejectionReason } from '@clicklake/contract';
import type { MalformedKind } from './malformed.ts';
import type { EventFacts } from './simulated-event.ts';

/**
 * One record to send, and what must become of it. Of the records with one event_id, exactly one ends in Silver
 * and the others among the duplicates, in whatever order they arrive (S3.1): the label says how many of each
 * to expect, not which.
 */
export type SimulatedRecord = EventRecord | DuplicateRecord | MalformedRecord;

interface ValidRecord {
  /** The JSON text to send: one line. */
  readonly bytes: string;
  readonly eventId: string;
  readonly event: EventFacts;
  /** When it is sent in simulated time, ms since the epoch. */
  readonly emitAt: number;
}

export interface EventRecord extends ValidRecord {
  readonly kind: 'event';
  readonly expected: 'silver';
}

/** An earlier event again, byte for byte (S9). */
export interface DuplicateRecord extends ValidRecord {
  readonly kind: 'duplicate';
  readonly expected: 'duplicates';
}

export interface MalformedRecord {
  /** The text to send: one line, JSON or not. */
  readonly bytes: string;
  readonly kind: 'malformed';
  readonly expected: 'dead_letters';
  readonly malformedKind: MalformedKind;
  /** With which the contract refuses it. */
  readonly reason: RejectionReason;
  /** Null when the text has no id that a reader could trust. */
  readonly eventId: string | null;
  readonly event: null;
  readonly emitAt: number;
}

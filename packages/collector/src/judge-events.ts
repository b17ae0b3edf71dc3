import type { Contract, PrepareContext, Rejection } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import { deadLetterRecord } from './dead-letter.ts';
import { unparseable, type ReceivedEvents } from './received-events.ts';

/**
 * The id of an accepted event, or why another was rejected: nothing more, because this outlives the fsync, and
 * what survives a collection of the young generation is what garbage collection costs.
 */
export type Outcome = string | Rejection;

/** What becomes of the events of one request, decided before anything is written. */
export interface JudgedEvents {
  /** One record for each event, in the order sent: to `clickstream-events`, or to `clickstream-errors`. */
  readonly records: readonly NewRecord[];
  /** What the answer says of each. */
  readonly outcomes: readonly Outcome[];
  readonly rejected: number;
}

/** Judges events and makes their records; pure. */
export function judgeEvents(
  received: ReceivedEvents,
  contract: Contract,
  context: PrepareContext,
): JudgedEvents {
  const records: NewRecord[] = [];
  const outcomes: Outcome[] = [];
  let rejected = 0;
  const { values } = received;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const verdict = value === unparseable ? notJson : contract.prepare(value, context);
    if (verdict.ok) {
      outcomes.push(verdict.eventId);
      records.push({
        topic: 'clickstream-events',
        key: verdict.key,
        value: verdict.value,
        timestamp: context.receivedAt,
        judgedBy: contract.fingerprint,
      });
    } else {
      rejected += 1;
      outcomes.push(verdict);
      records.push(deadLetterRecord(received.bytesOf(index), verdict, context));
    }
  }
  return { records, outcomes, rejected };
}

const notJson: Rejection = {
  ok: false,
  eventId: null,
  field: null,
  reason: 'malformed_json',
  message: 'The line is not JSON.',
};

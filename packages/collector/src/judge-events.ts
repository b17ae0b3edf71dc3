import type { Contract, PrepareContext, Prepared } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import { deadLetterRecord, type Verdict } from './dead-letter.ts';
import { unparseable, type ReceivedEvents } from './received-events.ts';

/** What becomes of the events of one request, decided before anything is written. */
export interface JudgedEvents {
  /** One record for each event, in the order sent: to `clickstream-events`, or to `clickstream-errors`. */
  readonly records: readonly NewRecord[];
  /** The verdict on each of them. */
  readonly verdicts: readonly Prepared[];
  readonly rejected: number;
}

/** Judges events and makes their records; pure. */
export function judgeEvents(
  received: ReceivedEvents,
  contract: Contract,
  context: PrepareContext,
): JudgedEvents {
  const records: NewRecord[] = [];
  const verdicts: Prepared[] = [];
  let rejected = 0;
  const { values } = received;
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    const verdict = value === unparseable ? notJson : contract.prepare(value, context);
    verdicts.push(verdict);
    if (verdict.ok) {
      records.push({
        topic: 'clickstream-events',
        key: verdict.key,
        value: verdict.value,
        timestamp: context.receivedAt,
        judgedBy: contract.fingerprint,
      });
    } else {
      rejected += 1;
      records.push(deadLetterRecord(received.bytesOf(index), verdict, context));
    }
  }
  return { records, verdicts, rejected };
}

const notJson: Verdict = {
  ok: false,
  eventId: null,
  field: null,
  reason: 'malformed_json',
  message: 'The line is not JSON.',
};

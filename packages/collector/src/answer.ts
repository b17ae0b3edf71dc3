import type { Rejection } from '@clicklake/contract';
import type { RecordPosition } from '@clicklake/event-log';
import type { Outcome } from './judge-events.ts';

/**
 * The answer's JSON: `{"results":[…]}` in the order sent. Written by hand, because this is the hot path; the
 * conformance test holds it to the OpenAPI document.
 */
export function answerBody(outcomes: readonly Outcome[], positions: readonly RecordPosition[]): string {
  let body = '{"results":[';
  for (let index = 0; index < outcomes.length; index += 1) {
    const outcome = outcomes[index];
    const position = positions[index];
    if (outcome === undefined || position === undefined)
      throw new Error('The log answered for fewer records.');
    if (index > 0) body += ',';
    const place = `"partition":${position.partition},"offset":${position.offset.toString()}`;
    body +=
      typeof outcome === 'string'
        ? `{"event_id":${quoted(outcome)},"status":"accepted",${place}}`
        : `${rejectedMembers(outcome)},"topic":"clickstream-errors",${place}}`;
  }
  return `${body}]}`;
}

function rejectedMembers({ eventId, field, reason, message }: Rejection): string {
  return JSON.stringify({ event_id: eventId, status: 'rejected', field, reason, message }).slice(0, -1);
}

/** Most ids are plain, and for them `JSON.stringify` costs more than the look. */
const plain = /^[\w.:-]*$/;

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

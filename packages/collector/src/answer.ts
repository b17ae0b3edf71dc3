import type { RecordPosition } from '@clicklake/event-log';
import type { JudgedEvents } from './judge-events.ts';

/**
 * The answer's JSON: `{"results":[…]}` in the order sent. Written by hand, because this is the hot path; the
 * conformance test holds it to the OpenAPI document.
 */
export function answerBody(judged: JudgedEvents, positions: readonly RecordPosition[]): string {
  const { verdicts } = judged;
  let body = '{"results":[';
  for (let index = 0; index < verdicts.length; index += 1) {
    const verdict = verdicts[index];
    const position = positions[index];
    if (verdict === undefined || position === undefined)
      throw new Error('The log answered for fewer records.');
    if (index > 0) body += ',';
    const place = `"partition":${position.partition},"offset":${position.offset.toString()}`;
    if (verdict.ok) {
      body += `{"event_id":${quoted(verdict.eventId)},"status":"accepted",${place}}`;
    } else {
      const { eventId, field, reason, message } = verdict;
      const why = JSON.stringify({ event_id: eventId, status: 'rejected', field, reason, message }).slice(
        0,
        -1,
      );
      body += `${why},"topic":"clickstream-errors",${place}}`;
    }
  }
  return `${body}]}`;
}

/** Most ids are plain, and for them `JSON.stringify` costs more than the look. */
const plain = /^[\w.:-]*$/;

function quoted(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text);
}

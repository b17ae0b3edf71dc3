import { byteWriter, writeBytes, writeText, type Rejection } from '@clicklake/contract';
import type { BlockPositions } from '@clicklake/event-log';
import type { Outcomes } from './judging/judged-events.ts';

/** Makes the JSON of an answer: `{"results":[…]}` in the order sent. */
export type AnswerWriter = (outcomes: Outcomes, positions: BlockPositions) => Buffer;

/** Written by hand, because this is the hot path; the conformance test holds it to the OpenAPI document. */
export function createAnswerWriter(): AnswerWriter {
  const scratch = byteWriter(keptBytes);
  return ({ count, ids, idEnds, rejections }, { partitions, offsets }) => {
    scratch.used = 0;
    writeText(scratch, '{"results":[');
    for (let index = 0; index < count; index += 1) {
      if (index > 0) writeText(scratch, ',');
      const rejection = rejections.get(index);
      if (rejection === undefined) {
        writeBytes(scratch, start, 0, start.length);
        writeBytes(scratch, ids, index === 0 ? 0 : (idEnds[index - 1] ?? 0), idEnds[index] ?? 0);
        writeBytes(scratch, acceptedMembers, 0, acceptedMembers.length);
      } else writeText(scratch, `${rejectedMembers(rejection)},"topic":"clickstream-errors","partition":`);
      writeText(scratch, String(partitions[index]));
      writeBytes(scratch, offsetMember, 0, offsetMember.length);
      writeText(scratch, String(offsets[index]));
      writeText(scratch, '}');
    }
    writeText(scratch, ']}');
    const answer = Buffer.from(scratch.bytes.subarray(0, scratch.used));
    if (scratch.bytes.length > keptBytes) scratch.bytes = Buffer.allocUnsafeSlow(keptBytes);
    return answer;
  };
}

/** What one large answer took beyond this is given back. */
const keptBytes = 64 << 10;

const start = Buffer.from('{"event_id":"');
const acceptedMembers = Buffer.from('","status":"accepted","partition":');
const offsetMember = Buffer.from(',"offset":');

function rejectedMembers({ eventId, field, reason, message }: Rejection): string {
  return JSON.stringify({ event_id: eventId, status: 'rejected', field, reason, message }).slice(0, -1);
}

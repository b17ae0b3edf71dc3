import {
  parseEventJson,
  type Contract,
  type Prepared,
  type PrepareContext,
  type Replay,
} from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';
import { deadLetterRecord } from '../dead-letter.ts';

export interface ReplayJudge {
  readonly contract: Contract;
  readonly enrich: PrepareContext['enrich'];
  readonly truncateIp: boolean;
  /** Whether `ip_address` in the body counted when the original was sent: its key was a server's (S1.4). */
  readonly trustsBodyIp: (sourceId: string | null) => boolean;
}

/**
 * Judges a replay; pure. The address and the headers of the original request were not kept, so what they would
 * say is left out, and the user agent is that of the event itself.
 *
 * @param receivedAt of the new record, milliseconds since the epoch
 */
export function judgeReplay(replay: Replay, judge: ReplayJudge, receivedAt: number): Prepared {
  let event: unknown;
  try {
    event = parseEventJson(replay.event);
  } catch {
    return {
      ok: false,
      eventId: replay.origin.eventId,
      field: null,
      reason: 'malformed_json',
      message: 'The event is not JSON.',
    };
  }
  return judge.contract.prepareReplay(event, contextOf(replay, judge, receivedAt), replay.origin);
}

/** The record of a judged replay: of the event, or of a dead letter that names the same origin. */
export function replayRecord(
  replay: Replay,
  verdict: Prepared,
  judge: ReplayJudge,
  receivedAt: number,
): NewRecord {
  if (!verdict.ok) {
    const context = contextOf(replay, judge, receivedAt);
    return deadLetterRecord(Buffer.from(replay.event), verdict, context, replay.origin.of);
  }
  return {
    topic: 'clickstream-events',
    key: verdict.key,
    value: verdict.value,
    timestamp: receivedAt,
    judgedBy: judge.contract.fingerprint,
  };
}

function contextOf(
  { sourceId, origin }: Replay,
  { enrich, truncateIp, trustsBodyIp }: ReplayJudge,
  receivedAt: number,
): PrepareContext {
  return {
    receivedAt,
    sourceId,
    clientIp: null,
    trustBodyIp: trustsBodyIp(sourceId),
    truncateIp,
    userAgent: null,
    enrich,
    newEventId: () => `dl:${origin.of}`,
  };
}

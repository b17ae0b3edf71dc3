import { checkProperties } from './field-checks.ts';
import { readEvent, type Draft } from './draft.ts';
import { clampTime, finishRecord, readRecord } from './judge.ts';
import { escapeJson } from './json-text.ts';
import { eventObject, finish, stamp, withinSize } from './prepare.ts';
import type { Accepted, PrepareContext, ReplayOrigin } from './prepared.ts';
import { at } from './record-slots.ts';
import type { ContractSettings } from './settings.ts';
import { timestampText } from './timestamp.ts';

/**
 * S8: the record of a mended dead letter. Its `received_at` is that of the replay; its times are judged by when
 * the original was received, so that a replay weeks later moves no event in time (S2.3). Throws RejectedError.
 *
 * @param context of the replay; a request that is long gone has neither address nor headers
 */
export function prepareReplayedEvent(
  input: unknown,
  context: PrepareContext,
  origin: ReplayOrigin,
  settings: ContractSettings,
): Accepted {
  const given = eventObject(input);
  const event = origin.eventId === null ? given : { ...given, event_id: origin.eventId };
  const newEventId = (): string => `dl:${origin.of}`;
  // A clock that was ahead of ours must not put the event's times after its replay.
  const receivedAt = Math.min(origin.receivedAt, context.receivedAt);
  if (origin.form === 'record') {
    const draft = replayedRecord(event, { ...origin, receivedAt }, context, settings);
    return withinSize(finishRecord(draft, event, newEventId, settings), settings);
  }
  const draft = readEvent(event, false, checkProperties);
  stamp(draft, event, { ...context, receivedAt }, settings);
  name(draft, origin, context);
  return withinSize(finish(draft, event, newEventId, settings, settings.maxDepth - 1), settings);
}

function replayedRecord(
  event: Readonly<Record<string, unknown>>,
  origin: ReplayOrigin,
  context: PrepareContext,
  settings: ContractSettings,
): Draft {
  // What a foreign producer says of a replay is nobody's word; what an earlier replay settled stays settled.
  const record = { ...event, replay_of: origin.settled ? origin.of : null };
  const read = readRecord(record, clampTime(origin.receivedAt), settings);
  const isAhead = (read.receivedAt ?? 0) > context.receivedAt;
  const draft = isAhead ? readRecord({ ...record, received_at: null }, origin.receivedAt, settings) : read;
  name(draft, origin, context);
  return draft;
}

function name(draft: Draft, { of }: ReplayOrigin, { receivedAt }: PrepareContext): void {
  draft.texts[at.receivedAt] = timestampText(receivedAt);
  draft.texts[at.replayOf] = escapeJson(of, 'replay_of');
}

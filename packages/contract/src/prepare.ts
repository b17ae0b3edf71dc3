import { schemaVersion } from './event-fields.ts';
import { readEvent, requirePresence, serialise, settleTimestamp, type Draft } from './draft.ts';
import { checkObject, isJsonObject, isValidText } from './field-checks.ts';
import { escapeJson, utf8Length } from './json-text.ts';
import type { Accepted, PrepareContext } from './prepared.ts';
import { writeProperties } from './properties.ts';
import { at, slotOf } from './record-slots.ts';
import { RejectedError, type Rejection } from './rejection.ts';
import { stampIpAddress, stampUserAgent, textsOfRequest } from './server-facts.ts';
import type { ContractSettings } from './settings.ts';
import { timestampText } from './timestamp.ts';

const eventIdSlot = slotOf('event_id');
export const schemaVersionText = String(schemaVersion);

/** The accepted event of a complete draft: its id, its key (S1.2) and its canonical text. */
export function finish(
  draft: Draft,
  event: Readonly<Record<string, unknown>>,
  newEventId: () => string,
  settings: ContractSettings,
  propertiesDepth: number,
): Accepted {
  const { texts } = draft;
  const eventId = typeof event.event_id === 'string' ? event.event_id : newEventId();
  texts[at.eventId] ??= escapeJson(eventId, 'event_id');
  texts[at.properties] = writeProperties(draft.properties, draft.extras, settings.maxDepth, propertiesDepth);
  const key = typeof event.user_id === 'string' ? event.user_id : event.anonymous_id;
  return { ok: true, eventId, key: typeof key === 'string' ? key : eventId, value: serialise(texts) };
}

/** Turns the RejectedError of a check into the verdict; everything else is a defect and passes. */
export function rejectionOf(error: unknown, event: unknown): Rejection {
  if (!(error instanceof RejectedError)) throw error;
  const ownId = isJsonObject(event) ? event.event_id : null;
  const eventId = isValidText(eventIdSlot, ownId) ? ownId : null;
  return { ok: false, eventId, field: error.field, reason: error.reason, message: error.message };
}

/** The event as an object; throws RejectedError. */
export function eventObject(event: unknown): Readonly<Record<string, unknown>> {
  if (!isJsonObject(event)) throw new RejectedError('not_an_object', null, 'An event must be a JSON object.');
  return event;
}

function checkProperties(value: unknown): Readonly<Record<string, unknown>> {
  return checkObject('properties', value);
}

/** S1, S2 for what a client sent; throws RejectedError. */
export function prepareClientEvent(
  input: unknown,
  context: PrepareContext,
  settings: ContractSettings,
): Accepted {
  const event = eventObject(input);
  const draft = readEvent(event, false, context.escapeFree ?? false, checkProperties);
  requirePresence(draft);
  const { texts, timestamp: given, sentAt } = draft;
  const { receivedAt } = context;
  const correction = sentAt === undefined ? 0 : receivedAt - sentAt;
  const timestamp = settleTimestamp(given, correction, receivedAt, settings);
  if (given !== undefined) texts[at.clientTimestamp] = texts[at.timestamp] ??= timestampText(given);
  const request = textsOfRequest(context);
  texts[at.receivedAt] = request.receivedAt;
  if (timestamp === receivedAt) texts[at.timestamp] = request.receivedAt;
  else if (timestamp !== given) texts[at.timestamp] = timestampText(timestamp);
  if (sentAt !== undefined) texts[at.sentAt] ??= timestampText(sentAt);
  stampUserAgent(texts, event.user_agent, context);
  stampIpAddress(draft, event.ip_address, context);
  texts[at.sourceId] = request.sourceId;
  texts[at.schemaVersion] = schemaVersionText;
  const accepted = finish(draft, event, () => context.newEventId(), settings, settings.maxDepth - 1);
  const { maxEventBytes } = settings;
  if (accepted.value.length * 3 > maxEventBytes && utf8Length(accepted.value) > maxEventBytes) {
    throw new RejectedError('too_large', null, `The event is larger than ${maxEventBytes} bytes.`);
  }
  return accepted;
}

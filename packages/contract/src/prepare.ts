import { schemaVersion } from './event-fields.ts';
import { readEvent, requirePresence, serialise, settleTimestamp, type Draft } from './draft.ts';
import { writeOwnBytes, writeText } from './byte-writer.ts';
import { canonicalStart, forgetRunsFrom, writeCanonical } from './canonical-bytes.ts';
import type { EventMembers, EventText } from './event-text.ts';
import { asWritten } from './plain-values.ts';
import { readEventText } from './read-event-text.ts';
import { checkProperties, isJsonObject, isValidText } from './field-checks.ts';
import { escapeJson, utf8Length } from './json-text.ts';
import type { Accepted, PreparedText, PrepareContext } from './prepared.ts';
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
  event: Readonly<Partial<EventMembers>>,
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

/** S1, S2 for what a client sent, parsed; throws RejectedError. */
export function prepareClientEvent(
  input: unknown,
  context: PrepareContext,
  settings: ContractSettings,
): Accepted {
  const event = eventObject(input);
  const draft = readEvent(event, false, checkProperties);
  stamp(draft, event, context, settings);
  const accepted = finish(draft, event, () => context.newEventId(), settings, settings.maxDepth - 1);
  return withinSize(accepted, settings);
}

/** Throws RejectedError. */
export function withinSize(accepted: Accepted, { maxEventBytes }: ContractSettings): Accepted {
  if (accepted.value.length * 3 > maxEventBytes && utf8Length(accepted.value) > maxEventBytes) {
    throw new RejectedError('too_large', null, `The event is larger than ${maxEventBytes} bytes.`);
  }
  return accepted;
}

/** What the collector makes of what the client said, and adds to it; throws RejectedError. */
export function stamp(
  draft: Draft,
  event: Readonly<Partial<EventMembers>>,
  context: PrepareContext,
  settings: ContractSettings,
): void {
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
}

/**
 * As `prepareClientEvent`, for the event that begins at `from` in a text. Undefined when it must be parsed;
 * throws RejectedError or SyntaxError, and then too.
 */
export function prepareEventText(
  text: EventText,
  from: number,
  context: PrepareContext,
  settings: ContractSettings,
): PreparedText | undefined {
  const end = readEventText(text, from);
  if (end < 0) return undefined;
  const { draft, event } = text;
  const { texts } = draft;
  stamp(draft, event, context, settings);
  texts[at.properties] = writeProperties(
    draft.properties,
    draft.extras,
    settings.maxDepth,
    settings.maxDepth - 1,
  );
  texts[at.eventId] ??= escapeJson(context.newEventId(), 'event_id');
  return writePrepared(text, end, settings);
}

function writePrepared(text: EventText, end: number, settings: ContractSettings): PreparedText | undefined {
  const { out, event, prepared, draft } = text;
  const { texts } = draft;
  const valueStart = out.used;
  writeCanonical(text, texts);
  const valueEnd = out.used;
  if (valueEnd - valueStart > settings.maxEventBytes) {
    out.used = valueStart;
    forgetRunsFrom(text, valueStart);
    return undefined;
  }
  // S1.2. One of the two is there, or the event were not accepted.
  if (typeof event.user_id === 'string') writeText(out, event.user_id);
  else if (texts[at.userId] === asWritten) writeOwnText(text, at.userId);
  else if (typeof event.anonymous_id === 'string') writeText(out, event.anonymous_id);
  else writeOwnText(text, at.anonymousId);
  const idStart = valueStart + canonicalStart.length;
  prepared.end = end;
  prepared.valueStart = valueStart;
  prepared.valueEnd = valueEnd;
  prepared.keyStart = valueEnd;
  prepared.keyEnd = out.used;
  prepared.idStart = idStart;
  prepared.idEnd = idStart + idLength(text, texts);
  return prepared;
}

function writeOwnText({ out, values, ends }: EventText, slot: number): void {
  writeOwnBytes(out, (values[slot] ?? 0) + 1, (ends[slot] ?? 0) - 1);
}

/** Bytes of the id in the canonical text, which begins with it. */
function idLength({ values, ends }: EventText, texts: Draft['texts']): number {
  const text = texts[at.eventId] ?? '';
  return text === asWritten ? (ends[at.eventId] ?? 0) - (values[at.eventId] ?? 0) - 2 : utf8Length(text);
}

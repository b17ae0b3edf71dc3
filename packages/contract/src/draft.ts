import {
  checkBoolean,
  checkInteger,
  checkMember,
  checkPoint,
  checkText,
  checkTimestamp,
} from './field-checks.ts';
import type { ExtraMember } from './properties.ts';
import { RejectedError } from './rejection.ts';
import { at, ingestNames, slotList, slots, type Slot } from './record-slots.ts';
import type { ContractSettings } from './settings.ts';
import { isCanonicalForm, maxTimestampMs, minTimestampMs } from './timestamp.ts';

/** One event on its way. Times are milliseconds since the epoch. */
export interface Draft {
  /**
   * JSON texts by slot, those of quoted slots without their quotes. Before the times are settled a time has one
   * if its sender wrote it in the canonical form.
   */
  readonly texts: (string | undefined)[];
  /** What else there must be depends on it. */
  eventType: string | undefined;
  timestamp: number | undefined;
  sentAt: number | undefined;
  clientTimestamp: number | undefined;
  receivedAt: number | undefined;
  properties: Readonly<Record<string, unknown>> | null;
  /** What goes to `properties` besides. */
  extras: ExtraMember[] | null;
}

const noTexts: readonly (string | undefined)[] = slotList.map(() => undefined);

export function keepExtra(draft: Draft, name: string, value: unknown): void {
  (draft.extras ??= []).push({ name, value });
}

export function emptyDraft(): Draft {
  return {
    texts: noTexts.slice(),
    eventType: undefined,
    timestamp: undefined,
    sentAt: undefined,
    clientTimestamp: undefined,
    receivedAt: undefined,
    properties: null,
    extras: null,
  };
}

/** Makes it an empty one again. */
export function resetDraft(draft: Draft): void {
  const { texts } = draft;
  for (let index = 0; index < texts.length; index += 1) texts[index] = undefined;
  draft.eventType = undefined;
  draft.timestamp = undefined;
  draft.sentAt = undefined;
  draft.clientTimestamp = undefined;
  draft.receivedAt = undefined;
  draft.properties = null;
  draft.extras = null;
}

/** The object that a `properties` member states; throws RejectedError. */
export type PropertiesReader = (value: unknown) => Readonly<Record<string, unknown>>;

/**
 * Reads every member of the event once, in its own order.
 * @param fromLog the collector's fields count
 */
export function readEvent(
  event: Readonly<Record<string, unknown>>,
  fromLog: boolean,
  readProperties: PropertiesReader,
): Draft {
  const draft = emptyDraft();
  for (const name in event) readMember(draft, slots.get(name), name, event[name], fromLog, readProperties);
  return draft;
}

/** Reads one member; throws RejectedError. @param slot the name's, if it has one */
export function readMember(
  draft: Draft,
  slot: Slot | undefined,
  name: string,
  value: unknown,
  fromLog: boolean,
  readProperties: PropertiesReader,
): void {
  if (value === undefined) return;
  if (slot === undefined) keepUnknown(draft, name, value);
  else if (value === null) return;
  else if (!fromLog && !slot.fromClient) keepExtra(draft, `$client.${name}`, value);
  else if (slot.kind === 'properties') draft.properties = readProperties(value);
  else if (slot.kind === 'time') readTime(draft, slot, value);
  else draft.texts[slot.index] = readText(draft, slot, value);
}

/** S1.4. Where the record lies is nobody's to claim, a foreign producer's neither. */
function keepUnknown(draft: Draft, name: string, value: unknown): void {
  if (!ingestNames.has(name)) keepExtra(draft, name, value);
  else if (value !== null) keepExtra(draft, `$client.${name}`, value);
}

function readText(draft: Draft, slot: Slot, value: unknown): string {
  switch (slot.kind) {
    case 'text':
      return checkText(slot, value);
    case 'member':
      return (draft.eventType = checkMember(slot, value));
    case 'point':
      return checkPoint(slot, value, (name, member) => keepExtra(draft, name, member));
    case 'boolean':
      return checkBoolean(slot, value);
    default:
      return checkInteger(slot, value, slot.name);
  }
}

export function readTime(draft: Draft, slot: Slot, value: unknown): void {
  const ms = checkTimestamp(slot, value);
  if (isCanonicalForm(value)) draft.texts[slot.index] = value;
  setTime(draft, slot, ms);
}

export function setTime(draft: Draft, slot: Slot, ms: number): void {
  switch (slot.index) {
    case at.timestamp:
      draft.timestamp = ms;
      break;
    case at.sentAt:
      draft.sentAt = ms;
      break;
    case at.clientTimestamp:
      draft.clientTimestamp = ms;
      break;
    default:
      draft.receivedAt = ms;
  }
}

/** S2.3: the final `timestamp`, in milliseconds. */
export function settleTimestamp(
  given: number | undefined,
  correction: number,
  receivedAt: number,
  settings: ContractSettings,
): number {
  if (given === undefined) return receivedAt;
  const corrected = given + correction;
  if (corrected > Math.min(receivedAt + settings.maxFutureMs, maxTimestampMs)) return receivedAt;
  const oldest = Math.max(receivedAt - settings.maxEventAgeDays * 86_400_000, minTimestampMs);
  if (corrected < oldest) {
    const message = `\`timestamp\` is more than ${settings.maxEventAgeDays} days old.`;
    throw new RejectedError('timestamp_out_of_range', 'timestamp', message);
  }
  return corrected;
}

/** S2.1: what every event must say. */
export function requirePresence({ texts, eventType }: Draft): void {
  if (eventType === undefined) {
    throw new RejectedError('missing_field', 'event_type', '`event_type` is missing.');
  }
  if (texts[at.userId] === undefined && texts[at.anonymousId] === undefined) {
    throw new RejectedError('missing_field', 'user_id', 'One of `user_id` and `anonymous_id` is required.');
  }
  if (eventType === 'custom' && texts[at.eventName] === undefined) {
    throw new RejectedError('missing_field', 'event_name', 'A custom event requires `event_name`.');
  }
}

/** The canonical text: the contract's order, no nulls. */
export function serialise(texts: readonly (string | undefined)[]): string {
  let value = '';
  let inQuotes = false;
  for (const { index, isQuoted, afterQuoted, afterOther } of slotList) {
    const text = texts[index];
    if (text === undefined) continue;
    value += inQuotes ? afterQuoted : afterOther;
    value += text;
    inQuotes = isQuoted;
  }
  return value + (inQuotes ? '"}' : '}');
}

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
import { maxTimestampMs, minTimestampMs } from './timestamp.ts';

/** One event on its way: JSON texts by slot, times in milliseconds by slot, and what goes to `properties`. */
export interface Draft {
  readonly texts: (string | undefined)[];
  readonly times: (number | undefined)[];
  properties: Readonly<Record<string, unknown>> | null;
  extras: ExtraMember[] | null;
}

export function keepExtra(draft: Draft, name: string, value: unknown): void {
  (draft.extras ??= []).push({ name, value });
}

/** Reads every member of the event once, in its own order. */
export function readEvent(
  event: Readonly<Record<string, unknown>>,
  fromLog: boolean,
  readProperties: (value: unknown) => Readonly<Record<string, unknown>>,
): Draft {
  const texts: (string | undefined)[] = [];
  for (let index = 0; index < slotList.length; index++) texts.push(undefined);
  const draft: Draft = { texts, times: [], properties: null, extras: null };
  for (const name in event) {
    const value = event[name];
    const slot = slots.get(name);
    if (slot === undefined) {
      if (value === undefined) continue;
      // S1.4: where the record lies is nobody's to claim, a foreign producer's neither.
      if (!ingestNames.has(name)) keepExtra(draft, name, value);
      else if (value !== null) keepExtra(draft, `$client.${name}`, value);
      continue;
    }
    if (value === null || value === undefined) continue;
    if (!fromLog && slot.field.owner === 'collector') keepExtra(draft, `$client.${name}`, value);
    else if (slot.index === at.properties) draft.properties = readProperties(value);
    else readField(draft, slot, value);
  }
  return draft;
}

function readField(draft: Draft, slot: Slot, value: unknown): void {
  const { field, index, values } = slot;
  switch (field.type) {
    case 'string':
      draft.texts[index] = values === null ? checkText(field, value) : checkMember(field, values, value);
      break;
    case 'timestamp':
      draft.times[index] = checkTimestamp(field, value);
      break;
    case 'point':
      draft.texts[index] = checkPoint(field, value, (name, member) => keepExtra(draft, name, member));
      break;
    case 'boolean':
      draft.texts[index] = checkBoolean(field, value);
      break;
    default:
      draft.texts[index] = checkInteger(field, value);
  }
}

const customText = JSON.stringify('custom');

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
export function requirePresence({ texts }: Draft): void {
  if (texts[at.eventType] === undefined) {
    throw new RejectedError('missing_field', 'event_type', '`event_type` is missing.');
  }
  if (texts[at.userId] === undefined && texts[at.anonymousId] === undefined) {
    throw new RejectedError('missing_field', 'user_id', 'One of `user_id` and `anonymous_id` is required.');
  }
  if (texts[at.eventType] === customText && texts[at.eventName] === undefined) {
    throw new RejectedError('missing_field', 'event_name', 'A custom event requires `event_name`.');
  }
}

/** The canonical text: the contract's order, no nulls. */
export function serialise(texts: readonly (string | undefined)[]): string {
  let value = '';
  for (const slot of slotList) {
    const text = texts[slot.index];
    if (text === undefined) continue;
    value += value === '' ? `{${slot.prefix}${text}` : `,${slot.prefix}${text}`;
  }
  return `${value}}`;
}

import { eventFields, type EventField } from './event-fields.ts';

/** A field of the log record: its place in the canonical text. */
export interface Slot {
  readonly field: EventField;
  readonly index: number;
  readonly prefix: string;
  readonly values: ReadonlyMap<unknown, string> | null;
}

export const slotList = eventFields
  .filter(({ owner }) => owner !== 'ingest')
  .map((field, index): Slot => ({
    field,
    index,
    prefix: `"${field.name}":`,
    values: field.values ? new Map(field.values.map((value) => [value, JSON.stringify(value)])) : null,
  }));
export const slots: ReadonlyMap<string, Slot> = new Map(slotList.map((slot) => [slot.field.name, slot]));
/** Fields that no sender may set, not even a foreign producer. */
export const ingestNames: ReadonlySet<string> = new Set(
  eventFields.filter(({ owner }) => owner === 'ingest').map(({ name }) => name),
);

export function slotOf(name: string): Slot {
  const slot = slots.get(name);
  if (slot === undefined) throw new TypeError(`no field ${name}`);
  return slot;
}

export const at = {
  eventId: slotOf('event_id').index,
  userId: slotOf('user_id').index,
  anonymousId: slotOf('anonymous_id').index,
  eventType: slotOf('event_type').index,
  eventName: slotOf('event_name').index,
  timestamp: slotOf('timestamp').index,
  userAgent: slotOf('user_agent').index,
  ipAddress: slotOf('ip_address').index,
  deviceType: slotOf('device_type').index,
  browser: slotOf('browser').index,
  os: slotOf('os').index,
  properties: slotOf('properties').index,
  sentAt: slotOf('sent_at').index,
  clientTimestamp: slotOf('client_timestamp').index,
  receivedAt: slotOf('received_at').index,
  sourceId: slotOf('source_id').index,
  isBot: slotOf('is_bot').index,
  schemaVersion: slotOf('schema_version').index,
};

import { eventFields, type EventField } from './event-fields.ts';

/**
 * A field of the log record: its place in the canonical text and its rules, complete. All slots are objects of
 * one shape, which is what keeps reading an event fast; rows of the field list are not.
 */
export interface Slot {
  readonly index: number;
  readonly name: string;
  readonly kind: 'text' | 'member' | 'time' | 'point' | 'boolean' | 'integer' | 'properties';
  /** A client may set it. */
  readonly fromClient: boolean;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly min: number;
  readonly max: number;
  /** The closed set of values; empty when there is none. */
  readonly values: ReadonlySet<string>;
  /** A JSON string: the ends below hold its quotes. */
  readonly isQuoted: boolean;
  /** What stands before the value in the canonical text, after a quoted value and after another. */
  readonly afterQuoted: string;
  readonly afterOther: string;
}

function kindOf(field: EventField): Slot['kind'] {
  switch (field.type) {
    case 'string':
      if (field.name === 'properties') return 'properties';
      return field.values === undefined ? 'text' : 'member';
    case 'timestamp':
    case 'date':
      return 'time';
    case 'point':
    case 'boolean':
      return field.type;
    default:
      return 'integer';
  }
}

/** With the quotes in the ends a text is taken over as it is: two concatenations a field, where four would be. */
function endsOf(field: EventField, separator: string): Pick<Slot, 'isQuoted' | 'afterQuoted' | 'afterOther'> {
  const isQuoted = ['text', 'member', 'time'].includes(kindOf(field));
  const start = `${separator}${JSON.stringify(field.name)}:${isQuoted ? '"' : ''}`;
  return { isQuoted, afterQuoted: `"${start}`, afterOther: start };
}

/** The fields of a RecordValue in order. The first is `event_id`, which every canonical text begins with. */
export const slotList: readonly Slot[] = eventFields
  .filter(({ owner }) => owner !== 'ingest')
  .map((field, index) => ({
    index,
    name: field.name,
    kind: kindOf(field),
    ...endsOf(field, index === 0 ? '{' : ','),
    fromClient: field.owner === 'client',
    minBytes: field.minBytes ?? 0,
    maxBytes: field.maxBytes ?? Infinity,
    min: field.min ?? -Infinity,
    max: field.max ?? Infinity,
    values: new Set(field.values),
  }));
export const slots: ReadonlyMap<string, Slot> = new Map(slotList.map((slot) => [slot.name, slot]));
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
  replayOf: slotOf('replay_of').index,
  schemaVersion: slotOf('schema_version').index,
};

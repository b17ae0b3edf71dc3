import { deltaSchemaOf, type DeltaStruct, type TableField } from './delta-schema.ts';

/** A row of `dead_letters`: one rejected record, by (topic, partition, offset) (S1.3). */
export const deadLetterFields = [
  { name: 'topic', type: 'string', description: 'Topic of the rejected record.' },
  { name: 'partition', type: 'integer', description: 'Partition of the rejected record.' },
  { name: 'offset', type: 'long', description: 'Offset of the rejected record.' },
  { name: 'received_at', type: 'timestamp', description: 'When the record was received.' },
  { name: 'reason', type: 'string', description: 'One of the rejection reasons.' },
  {
    name: 'field',
    type: 'string',
    description: 'Path of the offending field; null when the whole is at fault.',
  },
  { name: 'message', type: 'string', description: 'The reason in one sentence.' },
  { name: 'event_id', type: 'string', description: 'The id of the event, when it has a valid one.' },
  { name: 'source_id', type: 'string', description: 'The write key’s source, when known.' },
  { name: 'raw', type: 'binary', description: 'The bytes as received.' },
  { name: 'event_date', type: 'date', description: 'UTC date of `received_at`; the partition column.' },
  {
    name: 'replay_of',
    type: 'string',
    description: 'For a replay that failed again: `topic:partition:offset`.',
  },
  { name: 'judged_by', type: 'string', description: 'Fingerprint of the contract that rejected it.' },
] as const satisfies readonly TableField[];

/** A row of `duplicates`: a record not stored because Silver has its event already (S3, S4.1). */
export const duplicateFields = [
  { name: 'event_id', type: 'string', description: 'The id that both records have.' },
  { name: 'log_topic', type: 'string', description: 'Topic of the duplicate.' },
  { name: 'log_partition', type: 'integer', description: 'Partition of the duplicate.' },
  { name: 'log_offset', type: 'long', description: 'Offset of the duplicate.' },
  { name: 'received_at', type: 'timestamp', description: 'When the duplicate was received.' },
  { name: 'first_topic', type: 'string', description: 'Topic of the record that Silver has.' },
  { name: 'first_partition', type: 'integer', description: 'Partition of the record that Silver has.' },
  { name: 'first_offset', type: 'long', description: 'Offset of the record that Silver has.' },
  { name: 'event_date', type: 'date', description: 'UTC date of `received_at`; the partition column.' },
] as const satisfies readonly TableField[];

export const deadLetterDeltaSchema: DeltaStruct = deltaSchemaOf(deadLetterFields);
export const duplicateDeltaSchema: DeltaStruct = deltaSchemaOf(duplicateFields);

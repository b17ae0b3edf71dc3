import { eventFields, type FieldType } from './event-fields.ts';

const sparkTypes: Readonly<Record<FieldType, string>> = {
  string: 'STRING',
  long: 'BIGINT',
  integer: 'INT',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  point: 'STRUCT<x: BIGINT, y: BIGINT>',
};

/** Silver's columns as Spark DDL: for CREATE TABLE, or as the schema of a reader. */
export const sparkDdl: string = eventFields.map(({ name, type }) => `${name} ${sparkTypes[type]}`).join(', ');

/** The columns of a RecordValue as Spark DDL, for `from_json` over the log. */
export const sparkRecordDdl: string = eventFields
  .filter(({ owner }) => owner !== 'ingest')
  .map(({ name, type }) => `${name} ${sparkTypes[type]}`)
  .join(', ');

export { byteWriter, writeBytes, writeText, type ByteWriter } from './byte-writer.ts';
export { createContract, type Contract } from './contract.ts';
export {
  eventFields,
  eventTypes,
  schemaVersion,
  type EventField,
  type FieldOwner,
  type FieldType,
} from './event-fields.ts';
export { eventText, type EventText } from './event-text.ts';
export type { ClickEvent, Point, RecordValue } from './event-types.ts';
export { isIpAddress, truncateIpAddress } from './ip-address.ts';
export { endOfValue, skipSpace } from './json-bytes.ts';
export { parseEventJson } from './json-text.ts';
export type {
  Accepted,
  PreparedText,
  PrepareContext,
  Prepared,
  Replay,
  ReplayOutcome,
  ReplayOrigin,
  UserAgentFacts,
} from './prepared.ts';
export { rejectionReasons, type Rejection, type RejectionReason } from './rejection.ts';
export { ContractError, defaultSettings, type ContractSettings } from './settings.ts';
export {
  deltaSchema,
  deltaSchemaOf,
  deltaSchemaString,
  silverPartitionColumns,
  type DeltaField,
  type DeltaStruct,
  type TableField,
} from './delta-schema.ts';
export { duckdbColumns, duckdbColumnsOf, readJsonColumns, type DuckdbColumn } from './duckdb-schema.ts';
export { eventDocsTable, rejectionDocsTable } from './event-docs.ts';
export { jsonSchema } from './json-schema.ts';
export {
  deadLetterDeltaSchema,
  deadLetterFields,
  duplicateDeltaSchema,
  duplicateFields,
} from './other-tables.ts';
export { rowHashColumns } from './row-hash.ts';
export { sparkDdl, sparkRecordDdl } from './spark-schema.ts';
export { validityPredicate, type PredicateDialect } from './validity-predicate.ts';

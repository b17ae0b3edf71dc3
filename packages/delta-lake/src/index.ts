export {
  createTable,
  openTable,
  type CommitResult,
  type DeltaTable,
  type TableOptions,
  type WriteOptions,
} from './delta-table.ts';
export type { TableDefinition } from './create-table.ts';
export type { CommitRequest } from './commit.ts';
export type { ReadScope } from './conflict-check.ts';
export type { Snapshot } from './table-state.ts';
export type { AddFile, Metadata, PartitionValues, Protocol, RemoveFile } from './actions.ts';
export { type ObjectStore, type StagedObject, type StoredObject } from './object-store.ts';
export { localStore } from './local-store.ts';
export { memoryStore, type MemoryStore } from './memory-store.ts';
export { DeltaError, type DeltaErrorCode, isDeltaError } from './delta-error.ts';
export {
  column,
  structOf,
  type ArrayType,
  type DataType,
  type MapType,
  type StructField,
  type StructType,
} from './schema.ts';
export { duckdbColumns, duckdbTypeOf } from './duckdb-types.ts';
export { parseSchema } from './schema.ts';
export { scanSql } from './scan-sql.ts';
export { quoteIdentifier, quoteLiteral } from './sql-text.ts';
export type { ParquetOptions, StagedFile } from './stage-parquet.ts';
export type { HistoryEntry } from './history.ts';
export { type FileStatistics, parseStatistics, recordCount } from './statistics.ts';

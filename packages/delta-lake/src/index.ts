export { createTable, openTable, type DeltaTable, type TableOptions } from './delta-table.ts';
export type { TableDefinition } from './create-table.ts';
export type { CommitRequest } from './commit.ts';
export type { CommitResult, StageOptions } from './table-context.ts';
export type { WriteOptions } from './write-rows.ts';
export type { ReadScope } from './conflict-check.ts';
export type { Snapshot } from './table-state.ts';
export type { VersionReference } from './time-travel.ts';
export type { WrittenCheckpoint } from './checkpoint-write.ts';
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
  parseSchema,
} from './schema.ts';
export { parseInterval, type TableProperties } from './table-properties.ts';
export { duckdbColumns, duckdbTypeOf } from './duckdb-types.ts';
export { scanSql } from './scan-sql.ts';
export { pruneFiles, type Predicate } from './prune.ts';
export type { PredicateValue } from './comparable-value.ts';
export { quoteIdentifier, quoteLiteral } from './sql-text.ts';
export type { ParquetOptions, StagedFile } from './stage-parquet.ts';
export type { HistoryEntry } from './history.ts';
export type { TableDetail } from './detail.ts';
export { type OptimizeOptions, type OptimizeResult } from './optimize.ts';
export type { VacuumOptions, VacuumResult } from './vacuum.ts';
export { rewindTransactions, type RestoreOptions, type RestoreResult } from './restore.ts';
export { type FileStatistics, parseStatistics, recordCount } from './statistics.ts';

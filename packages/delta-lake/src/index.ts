export { createTable, openTable, type DeltaTable, type TableOptions } from './delta-table.ts';
export type { TableDefinition } from './operations/create-table.ts';
export type { CommitRequest } from './log/commit.ts';
export type { CommitResult, StageOptions } from './table-context.ts';
export type { PartitionSelect, ReplaceOptions, WriteOptions } from './operations/write-rows.ts';
export type { ReadScope } from './log/conflict-check.ts';
export type { Snapshot } from './log/table-state.ts';
export type { VersionReference } from './operations/time-travel.ts';
export type { WrittenCheckpoint } from './log/checkpoint-write.ts';
export type { AddFile, Metadata, PartitionValues, Protocol, RemoveFile } from './log/actions.ts';
export type { ObjectStore, OpenStore, StagedObject, StoredObject } from './store/object-store.ts';
export { localStore } from './store/local-store.ts';
export { memoryStore, type MemoryStore } from './store/memory-store.ts';
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
} from './schema/schema.ts';
export { parseInterval, type TableProperties } from './log/table-properties.ts';
export { duckdbColumns, duckdbTypeOf } from './schema/duckdb-types.ts';
export { scanSql } from './data-files/scan-sql.ts';
export { pruneFiles, type Predicate } from './data-files/prune.ts';
export type { PredicateValue } from './data-files/comparable-value.ts';
export { quoteIdentifier, quoteLiteral } from './data-files/sql-text.ts';
export type { ParquetOptions, StagedFile } from './data-files/stage-parquet.ts';
export type { TableChanges } from './operations/table-changes.ts';
export type { CommitEntry, HistoryEntry } from './operations/history.ts';
export type { TableDetail } from './operations/detail.ts';
export { type OptimizeOptions, type OptimizeResult } from './operations/optimize.ts';
export type { VacuumOptions, VacuumResult } from './operations/vacuum.ts';
export { rewindTransactions, type RestoreOptions, type RestoreResult } from './operations/restore.ts';
export { type FileStatistics, parseStatistics, recordCount } from './data-files/statistics.ts';

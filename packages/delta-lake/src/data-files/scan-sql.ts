import type { AddFile } from '../log/actions.ts';
import { duckdbTypeOf } from '../schema/duckdb-types.ts';
import type { DataType } from '../schema/schema.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Snapshot } from '../log/table-state.ts';
import { recordCount } from './statistics.ts';
import { partitionValuesFromPath } from './path-encoding.ts';
import {
  partitionColumnFromFilenameSql,
  partitionConstantSql,
  partitionGroupKey,
  scanFilenameColumn,
} from './partition-values.ts';
import { quoteFileName, quoteIdentifier, quoteLiteral } from './sql-text.ts';

type Scanned = Pick<Snapshot, 'schema' | 'metadata' | 'files'>;
type Locator = Pick<ObjectStore, 'location'>;

/**
 * A SELECT statement for DuckDB that reads files of a snapshot as the table's schema: partition columns
 * restored, columns that a file does not have yet as null. DuckDB opens no footer that it does not need: a
 * filter on a partition column leaves out the other partitions' files.
 *
 * Files with INT96 timestamps (old Spark, Impala) carry no zone: only a session whose `TimeZone` is UTC reads them
 * as the instants they are. Ours and those of today's writers are read rightly in any session.
 *
 * @param files the files to read; all of the snapshot's by default (see `pruneFiles`).
 * @param fileColumn a further column of this name says where each row's file lies, as the store locates it.
 */
export function scanSql(
  store: Locator,
  snapshot: Scanned,
  files: Iterable<AddFile> = snapshot.files.values(),
  fileColumn?: string,
): string {
  const { partitionColumns } = snapshot.metadata;
  const selfDescribing: AddFile[] = [];
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    if (describesItself(store, snapshot, file)) {
      selfDescribing.push(file);
      continue;
    }
    const key = partitionGroupKey(partitionColumns, file.partitionValues);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const scans = [
    ...(selfDescribing.length === 0 ? [] : [filenameScan(store, snapshot, selfDescribing, fileColumn)]),
    ...[...groups.values()].map((group) => constantScan(store, snapshot, group, fileColumn)),
  ];
  return scans.length === 0 ? emptySql(snapshot, fileColumn) : scans.join('\nUNION ALL\n');
}

/**
 * Whether a file's directories say its partition values, as ours always do. One scan then serves thousands of
 * partitions, where a scan for each would take DuckDB seconds to plan.
 */
function describesItself(store: Locator, snapshot: Scanned, file: AddFile): boolean {
  const { partitionColumns } = snapshot.metadata;
  if (partitionColumns.length === 0) return true;
  const inPath = partitionValuesFromPath(partitionColumns, file.path);
  if (inPath === undefined || !store.location(file.path).endsWith(`/${file.path}`)) return false;
  return partitionColumns.every((name) => {
    const text = file.partitionValues[name] ?? null;
    const isZoneless = text !== null && typeOf(snapshot, name) === 'timestamp' && !text.endsWith('Z');
    return inPath[name] === text && !isZoneless;
  });
}

function filenameScan(
  store: Locator,
  snapshot: Scanned,
  files: readonly AddFile[],
  fileColumn: string | undefined,
): string {
  const { partitionColumns } = snapshot.metadata;
  const partitionColumn = (name: string): string =>
    partitionColumnFromFilenameSql(partitionColumns, name, typeOf(snapshot, name));
  return scan(store, snapshot, files, partitionColumn, fileColumn);
}

/** Files of one partition, whatever they are called. */
function constantScan(
  store: Locator,
  snapshot: Scanned,
  group: readonly AddFile[],
  fileColumn: string | undefined,
): string {
  const values = group[0]?.partitionValues ?? {};
  const partitionColumn = (name: string): string =>
    partitionConstantSql(values[name] ?? null, typeOf(snapshot, name));
  return scan(store, snapshot, group, partitionColumn, fileColumn);
}

function scan(
  store: Locator,
  snapshot: Scanned,
  files: readonly AddFile[],
  partitionColumn: (name: string) => string,
  fileColumn: string | undefined,
): string {
  const { partitionColumns } = snapshot.metadata;
  const columns = snapshot.schema.fields.map(({ name }) =>
    partitionColumns.includes(name)
      ? `${partitionColumn(name)} AS ${quoteIdentifier(name)}`
      : quoteIdentifier(name),
  );
  if (fileColumn !== undefined)
    columns.push(`${quoteIdentifier(scanFilenameColumn)} AS ${quoteIdentifier(fileColumn)}`);
  const locations = files.map((file) => quoteFileName(store.location(file.path)));
  const options = [
    `schema = ${readSchemaSql(snapshot)}`,
    `filename = ${quoteLiteral(scanFilenameColumn)}`,
    ...cardinality(files),
  ];
  return `SELECT ${columns.join(', ')} FROM read_parquet([${locations.join(', ')}], ${options.join(', ')})`;
}

/**
 * How many rows there are. DuckDB would guess by the first file: a small one before large ones then has it build a
 * join's hash table of the large side, which outgrows the memory.
 */
function cardinality(files: readonly AddFile[]): readonly string[] {
  let rows = 0;
  for (const { stats } of files) {
    const count = recordCount(stats);
    if (count === undefined) return [];
    rows += count;
  }
  return rows > 0 && Number.isSafeInteger(rows) ? [`explicit_cardinality = ${rows}`] : [];
}

/** DuckDB's own way to read files of several schemas by name without looking at all of them first. */
function readSchemaSql(snapshot: Scanned): string {
  const entries = snapshot.schema.fields
    .filter((field) => !snapshot.metadata.partitionColumns.includes(field.name))
    .map((field) => {
      const name = quoteLiteral(field.name);
      return `${name}: {name: ${name}, type: ${quoteLiteral(duckdbTypeOf(field.type))}, default_value: NULL}`;
    });
  return `MAP {${entries.join(', ')}}`;
}

function typeOf(snapshot: Scanned, name: string): DataType {
  return snapshot.schema.fields.find((field) => field.name === name)?.type ?? 'string';
}

function emptySql(snapshot: Scanned, fileColumn: string | undefined): string {
  const columns = snapshot.schema.fields.map(
    (field) => `CAST(NULL AS ${duckdbTypeOf(field.type)}) AS ${quoteIdentifier(field.name)}`,
  );
  if (fileColumn !== undefined) columns.push(`CAST(NULL AS VARCHAR) AS ${quoteIdentifier(fileColumn)}`);
  return `SELECT ${columns.join(', ')} WHERE false`;
}

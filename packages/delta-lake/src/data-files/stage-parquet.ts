import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { AddFile, PartitionValues } from '../log/actions.ts';
import { DeltaError } from '../delta-error.ts';
import { mapEntries } from './duckdb-rows.ts';
import type { ObjectStore, StagedObject } from '../store/object-store.ts';
import { leafKey, type LeafStatistics, statisticsJson } from './parquet-statistics.ts';
import { partitionDirectory } from './path-encoding.ts';
import { isPrimitive, type StructType } from '../schema/schema.ts';
import { quoteIdentifier, quoteLiteral } from './sql-text.ts';
import type { SnapshotHeader } from '../log/table-state.ts';
import { conformingSelectList } from './write-schema.ts';
import { zOrderedQuery } from './z-order.ts';

export interface ParquetOptions {
  readonly compression?: 'zstd' | 'snappy' | 'uncompressed';
  /** Of zstd, from 1 (fastest); 3 by default. */
  readonly compressionLevel?: number;
  /** DuckDB's own 122,880 by default; every writing thread holds one in memory. */
  readonly rowGroupRows?: number;
  /** Rough size at which DuckDB starts another file; unpartitioned writes only. */
  readonly targetFileBytes?: number;
  /** `ORDER BY` list, as SQL text of the caller's own making. */
  readonly orderBy?: string;
  /** Orders by a Z-curve over these columns, so that ranges of each of them lie in few files. */
  readonly zOrderBy?: readonly string[];
  /** Every row belongs to this partition; the select leaves its columns out. For rewriting one partition. */
  readonly partition?: PartitionValues;
}

/** A Parquet file that lies durably in the store and is part of no version yet. */
export type StagedFile = AddFile;

/**
 * Lets DuckDB write the rows of a SELECT as Parquet and makes the files durable under new names: all the work
 * of a commit that never has to be repeated. Until they are committed nobody sees them; VACUUM takes away
 * what a crash leaves.
 *
 * @param select a SELECT statement, as SQL text of the caller's own making.
 * @throws DeltaError `delta-schema-mismatch`, `delta-null-in-required-column`.
 */
export async function stageParquet(
  store: ObjectStore,
  connection: DuckDBConnection,
  snapshot: SnapshotHeader,
  select: string,
  options: ParquetOptions = {},
): Promise<readonly StagedFile[]> {
  const { partition } = options;
  const partitionColumns = snapshot.metadata.partitionColumns;
  const dataSchema =
    partition === undefined ? snapshot.schema : withoutColumns(snapshot.schema, partitionColumns);
  const splitBy = partition === undefined ? partitionColumns : [];
  const selectList = await conformingSelectList(connection, select, dataSchema, splitBy);

  const staging = await store.createStaging();
  try {
    const copy = copyStatement(orderedQuery(selectList, select, options), staging, splitBy, options);
    const written = await runCopy(connection, copy);
    const files = written.map((file) => stagedFile(file, snapshot, partition));
    requireNoNulls(files, snapshot.schema, written);
    const staged = files.map((file, index): StagedObject => ({
      localPath: written[index]?.localPath ?? '',
      key: file.path,
    }));
    const stored = await store.adopt(staged);
    return files.map((file, index) => ({
      ...file,
      modificationTime: Math.floor(stored[index]?.modifiedMs ?? Date.now()),
    }));
  } finally {
    await store.discardStaging(staging);
  }
}

function orderedQuery(selectList: string, select: string, { zOrderBy, orderBy }: ParquetOptions): string {
  if (zOrderBy !== undefined) return keepingOrder(zOrderedQuery(selectList, select, zOrderBy));
  const query = `SELECT ${selectList} FROM (${select})`;
  return orderBy === undefined ? query : keepingOrder(`${query} ORDER BY ${orderBy}`);
}

/**
 * COPY writes with several threads, and when it starts new files by size the order of its rows is lost, inside of
 * files too (`PRESERVE_ORDER` is refused there). A window without an order numbers rows as they come, so DuckDB
 * hands them on one after another; the filter keeps it from being optimised away.
 */
function keepingOrder(query: string): string {
  const position = quoteIdentifier('row position');
  return `SELECT * EXCLUDE (${position}) FROM (SELECT *, row_number() OVER () AS ${position} FROM (${query})) WHERE ${position} > 0`;
}

function copyStatement(
  query: string,
  staging: string,
  splitBy: readonly string[],
  options: ParquetOptions,
): string {
  const settings = ['FORMAT parquet', `COMPRESSION ${options.compression ?? 'zstd'}`, 'RETURN_STATS'];
  if (options.compressionLevel !== undefined)
    settings.push(`COMPRESSION_LEVEL ${Math.ceil(options.compressionLevel)}`);
  if (options.rowGroupRows !== undefined) settings.push(`ROW_GROUP_SIZE ${Math.ceil(options.rowGroupRows)}`);
  let target = join(staging, `${randomUUID()}.parquet`);
  if (splitBy.length > 0) {
    settings.push(
      `PARTITION_BY (${splitBy.map(quoteIdentifier).join(', ')})`,
      "FILENAME_PATTERN '{uuid}'",
      'OVERWRITE_OR_IGNORE',
    );
    target = staging;
  } else if (options.targetFileBytes !== undefined) {
    settings.push(
      `FILE_SIZE_BYTES ${Math.ceil(options.targetFileBytes)}`,
      "FILENAME_PATTERN '{uuid}'",
      'OVERWRITE_OR_IGNORE',
    );
    target = staging;
  }
  return `COPY (${query}) TO ${quoteLiteral(target)} (${settings.join(', ')})`;
}

interface WrittenFile {
  readonly localPath: string;
  readonly rows: number;
  readonly bytes: number;
  readonly leaves: ReadonlyMap<string, LeafStatistics>;
  readonly partitionValues: PartitionValues;
}

async function runCopy(connection: DuckDBConnection, statement: string): Promise<WrittenFile[]> {
  const result = await connection.runAndReadAll(statement);
  return (
    result
      .getRows()
      .map(([filename, count, bytes, , statistics, partition]) => ({
        localPath: String(filename),
        rows: Number(count),
        bytes: Number(bytes),
        leaves: new Map(
          mapEntries(statistics).map(
            ([name, values]) => [String(name), Object.fromEntries(textEntries(values))] as const,
          ),
        ),
        partitionValues: Object.fromEntries(textEntries(partition)),
      }))
      // An empty result still writes one file, which would be a file without rows in the table.
      .filter((file) => file.rows > 0)
  );
}

function textEntries(value: unknown): (readonly [string, string | null])[] {
  return mapEntries(value).map(
    ([key, text]) => [String(key), typeof text === 'string' ? text : null] as const,
  );
}

function stagedFile(
  file: WrittenFile,
  snapshot: SnapshotHeader,
  partition: PartitionValues | undefined,
): AddFile {
  const { partitionColumns } = snapshot.metadata;
  const values = partition ?? file.partitionValues;
  const partitionValues = Object.fromEntries(partitionColumns.map((name) => [name, values[name] ?? null]));
  return {
    path: `${partitionDirectory(partitionColumns, partitionValues)}part-${randomUUID()}.parquet`,
    partitionValues,
    size: file.bytes,
    modificationTime: 0,
    dataChange: true,
    stats: statisticsJson(file.rows, file.leaves, snapshot.schema, partitionColumns, snapshot.properties),
    tags: null,
  };
}

function requireNoNulls(
  files: readonly AddFile[],
  schema: StructType,
  written: readonly WrittenFile[],
): void {
  for (const field of schema.fields) {
    if (field.nullable) continue;
    const inPartition = files.some((file) => file.partitionValues[field.name] === null);
    const inFile =
      isPrimitive(field.type) &&
      written.some((file) => Number(file.leaves.get(leafKey([field.name]))?.null_count ?? 0) > 0);
    if (!inPartition && !inFile) continue;
    throw new DeltaError({
      code: 'delta-null-in-required-column',
      message: `The rows hold a null in ${field.name}, which the table declares not nullable.`,
      hint: 'Filter those rows out, or give them a value.',
      details: { column: field.name },
    });
  }
}

function withoutColumns(schema: StructType, names: readonly string[]): StructType {
  return { type: 'struct', fields: schema.fields.filter((field) => !names.includes(field.name)) };
}

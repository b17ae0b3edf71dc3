import type { AddFile, PartitionValues } from '../log/actions.ts';
import type { CommitRequest } from '../log/commit.ts';
import type { Snapshot } from '../log/table-state.ts';
import { DeltaError } from '../delta-error.ts';
import { isInPartitions } from '../data-files/partition-values.ts';
import type { ParquetOptions, StagedFile } from '../data-files/stage-parquet.ts';
import { serializeSchema, type StructType } from '../schema/schema.ts';
import { validateNewSchema } from '../schema/schema-rules.ts';
import type { CommitResult, StageOptions, TableContext } from '../table-context.ts';

/** How rows are written, and what is committed with them. */
export interface WriteOptions extends StageOptions {
  readonly transactions?: CommitRequest['transactions'];
  readonly expectedTransactions?: CommitRequest['expectedTransactions'];
  readonly userMetadata?: string;
}

export interface ReplaceOptions extends WriteOptions {
  /**
   * Of the partitions, only these files of a snapshot are replaced; the rows of others stay. What another writer did
   * to the partitions since that snapshot is a conflict.
   */
  readonly only?: { readonly snapshot: Pick<Snapshot, 'version'>; readonly files: readonly AddFile[] };
}

/**
 * Rows of one partition, whose columns the SELECT leaves out: written without a look at where each belongs, and into
 * files of their own size where that is said.
 */
export interface PartitionSelect extends Pick<ParquetOptions, 'rowGroupRows' | 'targetFileBytes'> {
  readonly select: string;
  readonly partition: PartitionValues;
}

/** Stages the rows of a SELECT and adds them. A SELECT without rows still commits its transactions. */
export async function appendRows(
  table: TableContext,
  select: string,
  options: WriteOptions,
): Promise<CommitResult> {
  const readVersion = table.log.header().version;
  const adds = await table.stage(select, options);
  return await table.commit({
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: table.log.header().metadata.partitionColumns },
    adds,
    readVersion,
    ...provenance(options),
  });
}

/**
 * Replaces every row of some partitions in one commit. A file that another writer adds to or removes from them
 * meanwhile is a conflict: what to keep of it only the caller can know.
 *
 * @param partitions values by partition column, as the log holds them; a column left out matches every
 *   value, so `[{}]` replaces the table.
 */
export async function replacePartitions(
  table: TableContext,
  partitions: readonly PartitionValues[],
  select: string | readonly (string | PartitionSelect)[] | undefined,
  options: ReplaceOptions,
): Promise<CommitResult> {
  const snapshot = await table.log.refresh();
  const { partitionColumns } = snapshot.metadata;
  const { schema, only } = options;
  if (schema !== undefined && !partitions.some((values) => Object.keys(values).length === 0))
    throw keepsOtherRows();
  const unknown = partitions
    .flatMap((values) => Object.keys(values))
    .filter((name) => !partitionColumns.includes(name));
  if (unknown.length > 0) throw notPartitioned(unknown, partitionColumns);
  const adds = await stagePieces(table, typeof select === 'string' ? [select] : (select ?? []), options);
  requireInside(adds, partitions);
  return await table.commit({
    ...operationOf(partitions, partitionColumns, select !== undefined, only !== undefined),
    adds,
    removes:
      only?.files ??
      [...snapshot.files.values()].filter((file) => isInPartitions(file.partitionValues, partitions)),
    reads: { kind: 'partitions', partitions },
    readVersion: only?.snapshot.version ?? snapshot.version,
    ...(schema === undefined
      ? {}
      : {
          metadata: {
            ...snapshot.metadata,
            schemaString: serializeSchema(validNewSchema(schema, partitionColumns)),
          },
        }),
    ...provenance(options),
  });
}

async function stagePieces(
  table: TableContext,
  pieces: readonly (string | PartitionSelect)[],
  options: ReplaceOptions,
): Promise<readonly StagedFile[]> {
  const staged: StagedFile[] = [];
  for (const piece of pieces) {
    const { select, ...partition } = typeof piece === 'string' ? { select: piece } : piece;
    staged.push(...(await table.stage(select, { ...options, ...partition })));
  }
  return staged;
}

/** As Spark names them. */
function operationOf(
  partitions: readonly PartitionValues[],
  partitionBy: readonly string[],
  writes: boolean,
  keepsRows: boolean,
): Pick<CommitRequest, 'operation' | 'operationParameters'> {
  if (!writes) return { operation: 'DELETE', operationParameters: { predicate: partitions } };
  if (keepsRows) return { operation: 'MERGE', operationParameters: { predicate: partitions } };
  return {
    operation: 'WRITE',
    operationParameters: { mode: 'Overwrite', replaceWhere: partitions, partitionBy },
  };
}

function validNewSchema(schema: StructType, partitionColumns: readonly string[]): StructType {
  validateNewSchema(schema, partitionColumns);
  return schema;
}

function keepsOtherRows(): DeltaError {
  return new DeltaError({
    code: 'delta-invalid-argument',
    message: 'A new schema cannot be given while rows under the old one stay.',
    hint: 'Replace the whole table, `[{}]`, or add nullable columns.',
  });
}

function provenance(
  options: WriteOptions,
): Pick<CommitRequest, 'transactions' | 'expectedTransactions' | 'userMetadata'> {
  const { transactions, expectedTransactions, userMetadata } = options;
  return {
    ...(transactions === undefined ? {} : { transactions }),
    ...(expectedTransactions === undefined ? {} : { expectedTransactions }),
    ...(userMetadata === undefined ? {} : { userMetadata }),
  };
}

function requireInside(adds: readonly StagedFile[], partitions: readonly PartitionValues[]): void {
  const outside = adds.find((file) => !isInPartitions(file.partitionValues, partitions));
  if (outside === undefined) return;
  throw new DeltaError({
    code: 'delta-invalid-argument',
    message: `The rows reach beyond the partitions to replace: ${JSON.stringify(outside.partitionValues)}.`,
    hint: 'Filter the query to these partitions, or name the further ones too.',
    details: { partitionValues: outside.partitionValues },
  });
}

function notPartitioned(unknown: readonly string[], partitionColumns: readonly string[]): DeltaError {
  return new DeltaError({
    code: 'delta-invalid-argument',
    message: `The table is not partitioned by ${unknown.join(', ')}.`,
    hint: `Its partition columns are ${partitionColumns.join(', ') || 'none'}.`,
  });
}

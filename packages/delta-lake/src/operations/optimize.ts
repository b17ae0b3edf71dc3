import type { AddFile, PartitionValues } from '../log/actions.ts';
import { DeltaError, isDeltaError } from '../delta-error.ts';
import { isInPartitions, partitionGroupKey } from '../data-files/partition-values.ts';
import { scanSql } from '../data-files/scan-sql.ts';
import { quoteIdentifier } from '../data-files/sql-text.ts';
import type { ParquetOptions } from '../data-files/stage-parquet.ts';
import type { TableContext } from '../table-context.ts';
import type { Snapshot } from '../log/table-state.ts';

export interface OptimizeOptions {
  /** Only these partitions; a column left out matches every value. The whole table by default. */
  readonly partitions?: readonly PartitionValues[];
  /** Size to aim at; 128 MiB by default. */
  readonly targetFileBytes?: number;
  /** Files from this size on are left alone; three quarters of the target by default. */
  readonly smallFileBytes?: number;
  /** Columns to sort by: rewrites every file of the partitions. */
  readonly sortBy?: readonly string[];
  /** Columns to order by a Z-curve: rewrites every file of the partitions. */
  readonly zOrderBy?: readonly string[];
  readonly compression?: ParquetOptions['compression'];
  /** DuckDB's default is 122,880. With wide rows a writer holds some 1.4 kB for each. */
  readonly rowGroupRows?: number;
}

export interface OptimizeResult {
  /** The commits made: one per rewritten group of files of one partition. */
  readonly versions: readonly number[];
  readonly filesRemoved: number;
  readonly filesAdded: number;
  readonly bytesRemoved: number;
  readonly bytesAdded: number;
  /** Groups given up because somebody removed one of their files meanwhile; a later run finds what is left. */
  readonly conflicts: number;
}

/** Files of one partition to be rewritten together. */
export interface CompactionGroup {
  readonly partition: PartitionValues;
  readonly files: readonly AddFile[];
}

const standardTargetBytes = 128 * 1024 * 1024;

/** Rewrites files of one partition as fewer and better ones. No row changes, so appends never conflict. */
export async function optimizeTable(table: TableContext, options: OptimizeOptions): Promise<OptimizeResult> {
  const snapshot = await table.log.refresh();
  requireColumns(snapshot, [...(options.sortBy ?? []), ...(options.zOrderBy ?? [])]);
  let result: OptimizeResult = {
    versions: [],
    filesRemoved: 0,
    filesAdded: 0,
    bytesRemoved: 0,
    bytesAdded: 0,
    conflicts: 0,
  };
  for (const group of planCompaction(snapshot, options)) {
    result = add(result, await compactGroup(table, snapshot, group, options));
  }
  return result;
}

/** Which files are rewritten together: a plan from the snapshot alone. */
export function planCompaction(
  snapshot: Pick<Snapshot, 'files' | 'metadata'>,
  options: OptimizeOptions,
): CompactionGroup[] {
  const target = options.targetFileBytes ?? standardTargetBytes;
  const small = options.smallFileBytes ?? target * 0.75;
  const reorders = options.sortBy !== undefined || options.zOrderBy !== undefined;
  const byPartition = new Map<string, AddFile[]>();
  for (const file of snapshot.files.values()) {
    if (options.partitions !== undefined && !isInPartitions(file.partitionValues, options.partitions))
      continue;
    if (!reorders && file.size >= small) continue;
    const key = partitionGroupKey(snapshot.metadata.partitionColumns, file.partitionValues);
    const files = byPartition.get(key);
    if (files === undefined) byPartition.set(key, [file]);
    else files.push(file);
  }
  return [...byPartition.values()].flatMap((files) => {
    const partition = files[0]?.partitionValues ?? {};
    const groups = reorders ? [files] : packBins(files, target);
    return groups.map((group) => ({ partition, files: group }));
  });
}

/** In the order of their commits, so that rows that came together stay together; a lone file stays as it is. */
function packBins(files: readonly AddFile[], target: number): AddFile[][] {
  const bins: AddFile[][] = [];
  let bin: AddFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (bin.length > 0 && bytes + file.size > target) {
      bins.push(bin);
      bin = [];
      bytes = 0;
    }
    bin.push(file);
    bytes += file.size;
  }
  bins.push(bin);
  return bins.filter((candidate) => candidate.length > 1);
}

async function compactGroup(
  table: TableContext,
  snapshot: Snapshot,
  group: CompactionGroup,
  options: OptimizeOptions,
): Promise<OptimizeResult> {
  const target = options.targetFileBytes ?? standardTargetBytes;
  const dataColumns = snapshot.schema.fields
    .map((field) => field.name)
    .filter((name) => !snapshot.metadata.partitionColumns.includes(name));
  const select = `SELECT ${dataColumns.map(quoteIdentifier).join(', ')} FROM (${scanSql(table.store, snapshot, group.files)})`;
  const bytesRemoved = group.files.reduce((sum, file) => sum + file.size, 0);
  const adds = await table.stage(select, {
    partition: group.partition,
    ...(options.compression === undefined ? {} : { compression: options.compression }),
    ...(options.rowGroupRows === undefined ? {} : { rowGroupRows: options.rowGroupRows }),
    ...(options.sortBy === undefined ? {} : { orderBy: options.sortBy.map(quoteIdentifier).join(', ') }),
    ...(options.zOrderBy === undefined ? {} : { zOrderBy: options.zOrderBy }),
    // A bin that fits its target becomes one file whatever DuckDB estimates.
    ...(bytesRemoved > target ? { targetFileBytes: target } : {}),
  });
  table.crashPoints.reach('delta-optimize-before-commit');
  const bytesAdded = adds.reduce((sum, file) => sum + file.size, 0);
  try {
    const { version } = await table.commit({
      operation: 'OPTIMIZE',
      operationParameters: {
        predicate: [group.partition],
        ...(options.sortBy === undefined ? {} : { sortBy: options.sortBy }),
        zOrderBy: options.zOrderBy ?? [],
      },
      operationMetrics: {
        numRemovedFiles: group.files.length,
        numAddedFiles: adds.length,
        numRemovedBytes: bytesRemoved,
        numAddedBytes: bytesAdded,
      },
      adds,
      removes: group.files,
      dataChange: false,
      reads: { kind: 'removed-files' },
      readVersion: snapshot.version,
    });
    return {
      versions: [version],
      filesRemoved: group.files.length,
      filesAdded: adds.length,
      bytesRemoved,
      bytesAdded,
      conflicts: 0,
    };
  } catch (error) {
    if (!isDeltaError(error, 'delta-concurrent-delete')) throw error;
    return { versions: [], filesRemoved: 0, filesAdded: 0, bytesRemoved: 0, bytesAdded: 0, conflicts: 1 };
  }
}

function add(left: OptimizeResult, right: OptimizeResult): OptimizeResult {
  return {
    versions: [...left.versions, ...right.versions],
    filesRemoved: left.filesRemoved + right.filesRemoved,
    filesAdded: left.filesAdded + right.filesAdded,
    bytesRemoved: left.bytesRemoved + right.bytesRemoved,
    bytesAdded: left.bytesAdded + right.bytesAdded,
    conflicts: left.conflicts + right.conflicts,
  };
}

function requireColumns(snapshot: Snapshot, names: readonly string[]): void {
  const { partitionColumns } = snapshot.metadata;
  const wrong = names.filter(
    (name) => partitionColumns.includes(name) || !snapshot.schema.fields.some((field) => field.name === name),
  );
  if (wrong.length === 0) return;
  throw new DeltaError({
    code: 'delta-invalid-argument',
    message: `Rows cannot be ordered by ${wrong.join(', ')}: no column of the data files.`,
    hint: 'Name columns of the table that it is not partitioned by.',
  });
}

import type { PartitionValues } from '../log/actions.ts';
import { duckdbTypeOf } from '../schema/duckdb-types.ts';
import type { DataType } from '../schema/schema.ts';
import { escapeName, nullDirectory } from './path-encoding.ts';
import { quoteIdentifier, quoteLiteral } from './sql-text.ts';

/**
 * SQL that turns a column into its partition value's text (PROTOCOL, "Partition Value Serialization").
 * The empty string is null there, so it becomes null here.
 */
export function partitionTextSql(name: string, type: DataType): string {
  const identifier = quoteIdentifier(name);
  switch (type) {
    case 'timestamp':
      return `strftime(${identifier} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`;
    case 'timestamp_ntz':
      return `strftime(${identifier}, '%Y-%m-%d %H:%M:%S.%f')`;
    case 'string':
      return `nullif(${identifier}, '')`;
    default:
      return `CAST(${identifier} AS VARCHAR)`;
  }
}

/** The value as a typed SQL constant. */
export function partitionConstantSql(text: string | null, type: DataType): string {
  const sqlType = duckdbTypeOf(type);
  if (text === null) return `CAST(NULL AS ${sqlType})`;
  // A timestamp without a zone is UTC by the PROTOCOL; the session's own zone must not decide.
  const zoned = type === 'timestamp' && !/(?:Z|[+-]\d\d(?::?\d\d)?)$/.test(text) ? `${text}+00` : text;
  return `CAST(${quoteLiteral(zoned)} AS ${sqlType})`;
}

/** One text per distinct tuple of partition values, to group by. */
export function partitionGroupKey(partitionColumns: readonly string[], values: PartitionValues): string {
  return JSON.stringify(partitionColumns.map((name) => values[name] ?? null));
}

/** Whether a file lies in one of the named partitions; a column that the filter leaves out matches all. */
export function isInPartitions(values: PartitionValues, partitions: readonly PartitionValues[]): boolean {
  return partitions.some((wanted) =>
    Object.entries(wanted).every(([name, text]) => (values[name] ?? null) === text),
  );
}

/** Where a scan has its file's name. A table may have a column `filename`; none can have a space in its name. */
export const scanFilenameColumn = 'data file';

/**
 * A partition column out of the name of the file that a row comes from. DuckDB evaluates a filter on it per
 * file, before it opens any.
 */
export function partitionColumnFromFilenameSql(
  partitionColumns: readonly string[],
  name: string,
  type: DataType,
): string {
  const directories = partitionColumns.map((column) => `/${escapePattern(escapeName(column))}=([^/]*)`);
  const pattern = `${directories.join('')}/[^/]*$`;
  const text = `regexp_extract(${quoteIdentifier(scanFilenameColumn)}, ${quoteLiteral(pattern)}, ${partitionColumns.indexOf(name) + 1})`;
  return `CAST(url_decode(nullif(${text}, ${quoteLiteral(nullDirectory)})) AS ${duckdbTypeOf(type)})`;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

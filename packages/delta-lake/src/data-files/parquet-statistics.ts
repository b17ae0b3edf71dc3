import { rawNumber } from '../log/exact-json.ts';
import { decimalOf, isPrimitive, type PrimitiveType, type StructType } from '../schema/schema.ts';
import { truncateMaximum, truncateMinimum } from './statistics.ts';
import type { TableProperties } from '../log/table-properties.ts';

/** What `COPY … (RETURN_STATS)` says about one leaf column: texts by name (`min`, `null_count`, …). */
export type LeafStatistics = Readonly<Record<string, string | null>>;

interface Leaf {
  readonly path: readonly string[];
  readonly type: PrimitiveType | 'nested';
}

/** DuckDB's key of a leaf: every name quoted, joined by dots. */
export function leafKey(path: readonly string[]): string {
  return path.map((name) => `"${name.replaceAll('"', '""')}"`).join('.');
}

/**
 * `add.stats` from what DuckDB returned for a file.
 *
 * @param leaves by `leafKey`; partition columns are not among them.
 */
export function statisticsJson(
  rows: number,
  leaves: ReadonlyMap<string, LeafStatistics>,
  schema: StructType,
  partitionColumns: readonly string[],
  properties: TableProperties,
): string {
  const minValues: Tree = {};
  const maxValues: Tree = {};
  const nullCount: Tree = {};
  for (const { path, type } of indexedLeaves(schema, partitionColumns, properties)) {
    const found = leaves.get(leafKey(path));
    if (found === undefined || type === 'nested') continue;
    if (found.null_count !== null && found.null_count !== undefined)
      setLeaf(nullCount, path, Number(found.null_count));
    if (found.has_nan === 'true') continue;
    const bounds = boundsOf(type, found.min ?? null, found.max ?? null);
    if (bounds.min !== undefined) setLeaf(minValues, path, bounds.min);
    if (bounds.max !== undefined) setLeaf(maxValues, path, bounds.max);
  }
  return JSON.stringify({ numRecords: rows, minValues, maxValues, nullCount });
}

/** Leaf columns that get statistics (`delta.dataSkippingStatsColumns`, `…NumIndexedCols`). */
function indexedLeaves(
  schema: StructType,
  partitionColumns: readonly string[],
  properties: TableProperties,
): Leaf[] {
  const leaves = leavesOf(schema, []).filter(({ path }) => !partitionColumns.includes(path[0] ?? ''));
  const { statsColumns, numIndexedColumns } = properties;
  if (statsColumns !== undefined) {
    return leaves.filter(({ path }) =>
      path.some((_, depth) => statsColumns.includes(path.slice(0, depth + 1).join('.'))),
    );
  }
  return numIndexedColumns < 0 ? leaves : leaves.slice(0, numIndexedColumns);
}

function leavesOf(struct: StructType, parent: readonly string[]): Leaf[] {
  return struct.fields.flatMap((field): Leaf[] => {
    const path = [...parent, field.name];
    if (isPrimitive(field.type)) return [{ path, type: field.type }];
    return field.type.type === 'struct' ? leavesOf(field.type, path) : [{ path, type: 'nested' }];
  });
}

interface Bounds {
  readonly min: unknown;
  readonly max: unknown;
}

const none: Bounds = { min: undefined, max: undefined };

function boundsOf(type: PrimitiveType, min: string | null, max: string | null): Bounds {
  if (min === null || max === null) return none;
  if (decimalOf(type) !== undefined) return numbers(min, max);
  switch (type) {
    case 'string':
      return { min: truncateMinimum(min), max: truncateMaximum(max) };
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
    case 'float':
    case 'double':
      return numbers(min, max);
    case 'date':
      return isPlainDate(min) && isPlainDate(max) ? { min, max } : none;
    case 'timestamp':
    case 'timestamp_ntz':
      return { min: timestampText(min, type), max: timestampText(max, type) };
    default:
      // No reader prunes by boolean or binary bounds.
      return none;
  }
}

function numbers(min: string, max: string): Bounds {
  return isJsonNumber(min) && isJsonNumber(max) ? { min: rawNumber(min), max: rawNumber(max) } : none;
}

/** `inf` is no JSON. */
function isJsonNumber(text: string): boolean {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

function isPlainDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text);
}

/** DuckDB's `2026-01-31 12:00:00.123456+00`, cut to milliseconds; readers widen a maximum by one. */
function timestampText(text: string, type: PrimitiveType): string | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(?:\+00(?::00)?)?$/.exec(text);
  if (match === null) return undefined;
  const [, date, time, fraction = ''] = match;
  return `${date ?? ''}T${time ?? ''}.${fraction.padEnd(3, '0').slice(0, 3)}${type === 'timestamp' ? 'Z' : ''}`;
}

type Tree = Record<string, unknown>;

function setLeaf(tree: Tree, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const name of path.slice(0, -1)) node = (node[name] ??= {}) as Tree;
  const last = path.at(-1);
  if (last !== undefined) node[last] = value;
}

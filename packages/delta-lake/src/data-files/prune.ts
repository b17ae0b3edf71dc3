import type { AddFile } from '../log/actions.ts';
import { type Comparable, comparable, compareValues, type PredicateValue } from './comparable-value.ts';
import type { DataType } from '../schema/schema.ts';
import { type FileStatistics, parseStatistics, statisticsLeaf } from './statistics.ts';
import type { Snapshot } from '../log/table-state.ts';

/** One comparison; several in a list are all to hold. A nested column is named by its path. */
export type Predicate =
  | {
      readonly column: string | readonly string[];
      readonly op: '=' | '<' | '<=' | '>' | '>=';
      readonly value: PredicateValue;
    }
  | {
      readonly column: string | readonly string[];
      readonly op: 'in';
      readonly values: readonly PredicateValue[];
    }
  | { readonly column: string | readonly string[]; readonly op: 'is null' | 'is not null' };

/**
 * The files that may hold a row for which every predicate is true. It never leaves out one that does; it may
 * well keep one that does not, so the query keeps its WHERE. Nothing is read for it.
 */
export function pruneFiles(
  snapshot: Pick<Snapshot, 'files' | 'schema' | 'metadata'>,
  predicates: readonly Predicate[],
): readonly AddFile[] {
  const compiled = predicates.map((predicate) => compile(predicate, snapshot));
  const onPartitions = compiled.filter((predicate) => predicate.isPartition);
  const onStatistics = compiled.filter((predicate) => !predicate.isPartition);
  return [...snapshot.files.values()].filter((file) => {
    if (!onPartitions.every(({ test }) => test(partitionRange(file)))) return false;
    // Parsing statistics is most of the work: only files that their partition has not ruled out get there.
    if (onStatistics.length === 0) return true;
    const statistics = parseStatistics(file.stats);
    return statistics === undefined || onStatistics.every(({ test }) => test(statisticsRange(statistics)));
  });
}

/** What is known of a column's values in one file. Undefined: nothing. */
interface ValueRange {
  readonly min: Comparable | undefined;
  readonly max: Comparable | undefined;
  readonly mayHoldNull: boolean;
  readonly mayHoldValue: boolean;
}

type RangeOf = (path: readonly string[], type: DataType) => ValueRange;

interface CompiledPredicate {
  readonly isPartition: boolean;
  readonly test: (rangeOf: RangeOf) => boolean;
}

function compile(predicate: Predicate, snapshot: Pick<Snapshot, 'schema' | 'metadata'>): CompiledPredicate {
  const path = typeof predicate.column === 'string' ? [predicate.column] : predicate.column;
  const type = typeOf(snapshot.schema, path);
  const isPartition = path.length === 1 && snapshot.metadata.partitionColumns.includes(path[0] ?? '');
  if (type === undefined) return { isPartition, test: () => true };
  switch (predicate.op) {
    case 'is null':
      return { isPartition, test: (rangeOf) => rangeOf(path, type).mayHoldNull };
    case 'is not null':
      return { isPartition, test: (rangeOf) => rangeOf(path, type).mayHoldValue };
    case 'in': {
      const values = predicate.values.map((value) => comparable(value, type));
      return {
        isPartition,
        test: (rangeOf) => values.some((value) => mayHold(rangeOf(path, type), '=', value)),
      };
    }
    default: {
      const value = comparable(predicate.value, type);
      const { op } = predicate;
      return { isPartition, test: (rangeOf) => mayHold(rangeOf(path, type), op, value) };
    }
  }
}

function mayHold(
  range: ValueRange,
  op: '=' | '<' | '<=' | '>' | '>=',
  value: Comparable | undefined,
): boolean {
  if (!range.mayHoldValue) return false;
  if (value === undefined) return true;
  const low = range.min === undefined ? undefined : compareValues(range.min, value);
  const high = range.max === undefined ? undefined : compareValues(range.max, value);
  switch (op) {
    case '<':
      return low === undefined || low < 0;
    case '<=':
      return low === undefined || low <= 0;
    case '>':
      return high === undefined || high > 0;
    case '>=':
      return high === undefined || high >= 0;
    case '=':
      return (low === undefined || low <= 0) && (high === undefined || high >= 0);
  }
}

function partitionRange(file: AddFile): RangeOf {
  return ([name = ''], type) => {
    const text = file.partitionValues[name] ?? null;
    if (text === null) return { min: undefined, max: undefined, mayHoldNull: true, mayHoldValue: false };
    const value = comparable(text, type);
    return { min: value, max: value, mayHoldNull: false, mayHoldValue: true };
  };
}

function statisticsRange(statistics: FileStatistics): RangeOf {
  return (path, type) => {
    const nulls = statisticsLeaf(statistics.nullCount, path);
    const rows = statistics.numRecords;
    const countable = typeof nulls === 'number' && statistics.tightBounds;
    return {
      min: comparable(statisticsLeaf(statistics.minValues, path), type),
      max: widened(comparable(statisticsLeaf(statistics.maxValues, path), type), type),
      mayHoldNull: !countable || nulls > 0,
      mayHoldValue: !countable || rows === undefined || nulls < rows,
    };
  };
}

/** Writers cut timestamps to milliseconds, so a maximum may stand for anything up to the next one. */
function widened(max: Comparable | undefined, type: DataType): Comparable | undefined {
  if (max?.kind !== 'integer' || (type !== 'timestamp' && type !== 'timestamp_ntz')) return max;
  return { kind: 'integer', value: max.value + 999n };
}

function typeOf(type: DataType, path: readonly string[]): DataType | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return type;
  if (typeof type === 'string' || type.type !== 'struct') return undefined;
  const field = type.fields.find((candidate) => candidate.name === name);
  return field === undefined ? undefined : typeOf(field.type, rest);
}

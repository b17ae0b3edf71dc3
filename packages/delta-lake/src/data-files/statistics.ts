import { parseExactJson } from '../log/exact-json.ts';

/** A minimum or maximum as the log has it. */
export type StatisticsValue = string | number | bigint | boolean;

/** A file's statistics, nested like the schema (PROTOCOL, "Per-file Statistics"). */
export interface FileStatistics {
  readonly numRecords: number | undefined;
  readonly minValues: StatisticsTree;
  readonly maxValues: StatisticsTree;
  readonly nullCount: StatisticsTree;
  /** False when a deletion vector or a merge has made the bounds wider than the values. */
  readonly tightBounds: boolean;
}

export type StatisticsTree = Readonly<Record<string, unknown>>;

/** Parses `add.stats`; undefined when the writer gave none or none that we understand. */
export function parseStatistics(stats: string | null): FileStatistics | undefined {
  if (stats === null) return undefined;
  let json: unknown;
  try {
    json = parseExactJson(stats);
  } catch {
    return undefined;
  }
  if (!isTree(json)) return undefined;
  const tree = (value: unknown): StatisticsTree => (isTree(value) ? value : {});
  return {
    numRecords: typeof json.numRecords === 'number' ? json.numRecords : undefined,
    minValues: tree(json.minValues),
    maxValues: tree(json.maxValues),
    nullCount: tree(json.nullCount),
    tightBounds: json.tightBounds !== false,
  };
}

/** The leaf of a column path: `['user', 'age']`. */
export function statisticsLeaf(tree: StatisticsTree, path: readonly string[]): StatisticsValue | undefined {
  let node: unknown = tree;
  for (const name of path) {
    if (!isTree(node)) return undefined;
    node = node[name];
  }
  switch (typeof node) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return node;
    default:
      return undefined;
  }
}

/** Rows in a file without parsing all of its statistics, which may be kilobytes. */
export function recordCount(stats: string | null): number | undefined {
  const digits = stats === null ? null : /"numRecords"\s*:\s*(\d+)/.exec(stats);
  return digits === null ? undefined : Number(digits[1]);
}

const prefixLength = 32;
const longestPrefix = 2 * prefixLength;
const highestAscii = '\u{7f}';
const highestCharacter = '\u{10ffff}';

/** A lower bound of at most 32 characters. */
export function truncateMinimum(text: string): string {
  return Array.from(text.slice(0, longestPrefix)).slice(0, prefixLength).join('');
}

/**
 * An upper bound of about 32 characters: the prefix and a character above the first one cut off; undefined
 * when there is none within 64 characters, as Delta-Spark does it.
 */
export function truncateMaximum(text: string): string | undefined {
  // Two UTF-16 units a character at most, one character beyond the longest prefix.
  const characters = Array.from(text.slice(0, 2 * longestPrefix + 2));
  if (characters.length <= prefixLength) return text;
  for (let length = prefixLength; length <= longestPrefix; length += 1) {
    const cut = characters[length];
    if (cut === undefined) return characters.join('');
    if (cut < highestAscii) return characters.slice(0, length).join('') + highestAscii;
    if (cut !== highestCharacter) return characters.slice(0, length).join('') + highestCharacter;
  }
  return undefined;
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

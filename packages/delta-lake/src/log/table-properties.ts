import { DeltaError } from '../delta-error.ts';

/** The table properties that change what we do, parsed once per metadata. */
export interface TableProperties {
  /** Commits between two checkpoints. */
  readonly checkpointInterval: number;
  /** How long a log entry is kept at least. */
  readonly logRetentionMs: number;
  /** How long a removed file is kept at least; its tombstone lives as long. */
  readonly deletedFileRetentionMs: number;
  readonly appendOnly: boolean;
  readonly expiredLogCleanup: boolean;
  /** How many leaf columns get statistics; -1 is all. Superseded by statsColumns. */
  readonly numIndexedColumns: number;
  /** Columns that get statistics, structs with all their leaves; undefined: the first ones. */
  readonly statsColumns: readonly string[] | undefined;
}

const unitMs: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
};

/** @throws DeltaError `delta-invalid-argument` naming the property. Defaults are those of the PROTOCOL. */
export function parseTableProperties(configuration: Readonly<Record<string, string>>): TableProperties {
  const statsColumns = configuration['delta.dataSkippingStatsColumns'];
  return {
    checkpointInterval: integer(configuration, 'delta.checkpointInterval', 10, 1),
    logRetentionMs: interval(configuration, 'delta.logRetentionDuration', 30 * 86_400_000),
    deletedFileRetentionMs: interval(configuration, 'delta.deletedFileRetentionDuration', 7 * 86_400_000),
    appendOnly: boolean(configuration, 'delta.appendOnly', false),
    expiredLogCleanup: boolean(configuration, 'delta.enableExpiredLogCleanup', true),
    numIndexedColumns: integer(configuration, 'delta.dataSkippingNumIndexedCols', 32, -1),
    statsColumns: statsColumns === undefined ? undefined : parseColumnList(statsColumns),
  };
}

const knownProperties = new Set([
  'delta.checkpointInterval',
  'delta.logRetentionDuration',
  'delta.deletedFileRetentionDuration',
  'delta.appendOnly',
  'delta.enableExpiredLogCleanup',
  'delta.dataSkippingNumIndexedCols',
  'delta.dataSkippingStatsColumns',
]);

/**
 * A `delta.` property is a promise to every reader and writer, so only those that we keep may be set. Names
 * of other prefixes are free.
 *
 * @throws DeltaError `delta-invalid-argument`.
 */
export function requireKnownProperties(configuration: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(configuration).filter(
    (key) => key.startsWith('delta.') && !knownProperties.has(key),
  );
  if (unknown.length === 0) return;
  throw new DeltaError({
    code: 'delta-invalid-argument',
    message: `We do not honour the table property ${unknown.join(', ')}.`,
    hint: `Leave it out; we honour ${[...knownProperties].join(', ')}.`,
    details: { unknown },
  });
}

/** `interval 7 days`, `7 days`, `interval 1 day 12 hours`: Spark's calendar intervals without months. */
export function parseInterval(text: string): number | undefined {
  const words = text
    .trim()
    .toLowerCase()
    .replace(/^interval\s+/, '')
    .split(/\s+/);
  if (words.length === 0 || words.length % 2 !== 0) return undefined;
  let total = 0;
  for (let index = 0; index < words.length; index += 2) {
    const amount = Number(words[index]);
    const unit = unitMs[(words[index + 1] ?? '').replace(/s$/, '')];
    if (!Number.isFinite(amount) || amount < 0 || unit === undefined) return undefined;
    total += amount * unit;
  }
  return total;
}

/** `a, b.c, \`odd,name\``: back-ticks protect commas. */
function parseColumnList(text: string): readonly string[] {
  return [...text.matchAll(/(?:`(?:[^`]|``)*`|[^,`])+/g)]
    .map(([name]) =>
      name.trim().replace(/`((?:[^`]|``)*)`/g, (_, inner: string) => inner.replaceAll('``', '`')),
    )
    .filter((name) => name !== '');
}

function interval(configuration: Readonly<Record<string, string>>, key: string, standard: number): number {
  const text = configuration[key];
  if (text === undefined) return standard;
  return parseInterval(text) ?? invalid(key, text, 'an interval such as "interval 7 days"');
}

function integer(
  configuration: Readonly<Record<string, string>>,
  key: string,
  standard: number,
  least: number,
): number {
  const text = configuration[key];
  if (text === undefined) return standard;
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= least
    ? value
    : invalid(key, text, `an integer from ${least}`);
}

function boolean(configuration: Readonly<Record<string, string>>, key: string, standard: boolean): boolean {
  const text = configuration[key]?.toLowerCase();
  if (text === undefined) return standard;
  if (text === 'true' || text === 'false') return text === 'true';
  return invalid(key, text, 'true or false');
}

function invalid(key: string, text: string, wanted: string): never {
  throw new DeltaError({
    code: 'delta-invalid-argument',
    message: `The table property ${key} is ${JSON.stringify(text)}, not ${wanted}.`,
    hint: `Set ${key} to ${wanted}.`,
    details: { key, value: text },
  });
}

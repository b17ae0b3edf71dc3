/** What a table's log tells every reader and writer about its past (S4.5). Times in milliseconds. */
export interface TableRetention {
  /** A checkpoint every so many commits. */
  readonly checkpointInterval: number;
  /** How long versions stay loadable. */
  readonly logRetentionMs: number;
  /** How long files that a newer version no longer has stay for readers of older ones. */
  readonly deletedFileRetentionMs: number;
}

/** Of the tables that ingest writes, and of Gold's. */
export interface TableRetentions {
  readonly silver: TableRetention;
  readonly gold: TableRetention;
}

const hour = 3_600_000;

/**
 * Silver: a commit every 10 s must not make a year's log heavy, and readers have two days to finish. Gold's files
 * live an hour, since a date's rows are rewritten with every refresh; its log need not reach much further back: a refresh
 * that commits every few seconds all day long leaves some four thousand entries of a table, whatever its age.
 */
export const defaultTableRetentions: TableRetentions = {
  silver: { checkpointInterval: 360, logRetentionMs: 7 * 24 * hour, deletedFileRetentionMs: 2 * 24 * hour },
  gold: { checkpointInterval: 100, logRetentionMs: 6 * hour, deletedFileRetentionMs: hour },
};

/** As Delta's table properties. */
export function retentionProperties(retention: TableRetention): Readonly<Record<string, string>> {
  return {
    'delta.checkpointInterval': String(retention.checkpointInterval),
    'delta.logRetentionDuration': interval(retention.logRetentionMs),
    'delta.deletedFileRetentionDuration': interval(retention.deletedFileRetentionMs),
  };
}

const units = [
  ['days', 24 * hour],
  ['hours', hour],
  ['minutes', 60_000],
  ['seconds', 1_000],
] as const;

/** In the largest unit that says it exactly: Spark, delta-rs and Trino read all of these. */
function interval(ms: number): string {
  for (const [unit, length] of units)
    if (ms >= length && ms % length === 0) return `interval ${ms / length} ${unit}`;
  return `interval ${ms} milliseconds`;
}

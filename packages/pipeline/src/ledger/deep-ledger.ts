import type { LogReader, OffsetRange, Topic } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredPositions, removedAppId } from '../ingest/transaction-ids.ts';
import { tableSql, type LakeTables } from '../lake/lake-tables.ts';
import type { CoordinateRange, DeepLedger } from '../lake-service.ts';
import { countLog } from './count-log.ts';
import { takeSnapshots, type LedgerSnapshots } from './ledger.ts';
import { spanColumns, type Removals } from './removals.ts';

/** Ranges named at most: a ledger that is far off needs no longer list. */
const rangeLimit = 100;

/**
 * Proves that each offset which the log retains and Silver covers is in exactly one place (S4.2): the log is
 * read with its checksums, and the coordinates of the tables and of booked removals are counted against it.
 */
export async function checkEveryOffset(
  connection: DuckDBConnection,
  log: LogReader,
  tables: LakeTables,
  removals: Removals,
): Promise<DeepLedger> {
  const snapshots = await takeSnapshots(tables);
  const covered = coveredPositions(snapshots.silver.transactions);
  const errorsCovered = coveredPositions(snapshots.dead_letters.transactions).errors;
  const removed = await removals.at(connection, snapshots.silver.transactions);
  const removedRows = snapshots.silver.transactions.get(removedAppId) ?? 0n;
  let checkedOffsets = 0;
  let removedOffsets = 0;
  let missingOffsets = 0;
  const missing: CoordinateRange[] = [];
  const repeated: CoordinateRange[] = [];
  for (const { topic, partition, startOffset, skipped } of await log.describe()) {
    const end = topic === 'clickstream-errors' ? errorsCovered : (covered.events[partition] ?? 0n);
    if (end <= startOffset) continue;
    checkedOffsets += (await countLog(log, topic, partition, startOffset, end)).readable;
    const scope = { topic, partition, from: startOffset, to: end, skipped, removedSql: removed.spansSql };
    const found = await compare(connection, tables, snapshots, scope);
    removedOffsets += found.removedOffsets;
    missingOffsets += found.missingOffsets;
    missing.push(...found.missing);
    repeated.push(...found.repeated);
  }
  return {
    checkedOffsets,
    removedOffsets,
    unbookedRemovals: Number(removedRows - removed.rows),
    missingOffsets,
    missing: missing.slice(0, rangeLimit),
    repeated: repeated.slice(0, rangeLimit),
  };
}

/** Offsets of one partition to look for. */
interface Scope {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: bigint;
  /** Exclusive. */
  readonly to: bigint;
  /** Given up: they may be nowhere. */
  readonly skipped: readonly OffsetRange[];
  /** Spans of removed rows, of `clickstream-events`. */
  readonly removedSql: string;
}

interface Comparison {
  readonly removedOffsets: number;
  readonly missingOffsets: number;
  readonly missing: readonly CoordinateRange[];
  readonly repeated: readonly CoordinateRange[];
}

async function compare(
  connection: DuckDBConnection,
  tables: LakeTables,
  snapshots: LedgerSnapshots,
  { topic, partition, from, to, skipped, removedSql }: Scope,
): Promise<Comparison> {
  const within = (topicColumn: string, partitionColumn: string, offsetColumn: string): string =>
    `WHERE ${topicColumn} = '${topic}' AND ${partitionColumn} = ${partition}
       AND ${offsetColumn} >= ${from} AND ${offsetColumn} < ${to}`;
  const removed = `
    SELECT greatest(first_offset, ${from}) AS first, least(after_offset, ${to}) AS after
    FROM (SELECT ${spanColumns} FROM (${removedSql}))
    WHERE ${topic === 'clickstream-events'} AND log_partition = ${partition}
      AND after_offset > ${from} AND first_offset < ${to}`;
  const places = `
    SELECT first, first + 1 AS after FROM (
      SELECT log_offset AS first FROM (${tableSql(tables.silver, snapshots.silver)})
        ${within('log_topic', 'log_partition', 'log_offset')}
      UNION ALL SELECT log_offset FROM (${tableSql(tables.duplicates, snapshots.duplicates)})
        ${within('log_topic', 'log_partition', 'log_offset')}
      UNION ALL SELECT "offset" FROM (${tableSql(tables.dead_letters, snapshots.dead_letters)})
        ${within('topic', '"partition"', '"offset"')}
    ) UNION ALL ${removed}`;
  // The range's own ends stand as neighbours, and a range given up as if its offsets were there.
  const marks = [
    `(${from}, ${from})`,
    `(${to}, ${to} + 1)`,
    ...skipped
      .filter((range) => range.to > from && range.from < to)
      .map((range) => `(${range.from}, ${range.to})`),
  ];
  /** Beside each span how far those before it reach. */
  const walked = (spans: string): string => `
    SELECT first, after,
      max(after) OVER (ORDER BY first, after ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
    FROM (${spans}) t(first, after)`;
  const gaps = `
    SELECT reached AS first, first AS after FROM (${walked(`${places} UNION ALL (VALUES ${marks.join(', ')})`)})
    WHERE first > reached`;
  const overlaps = `
    SELECT DISTINCT first, least(after, reached) AS after FROM (${walked(places)}) WHERE first < reached`;
  const rangesOf = async (sql: string): Promise<CoordinateRange[]> =>
    (await connection.runAndReadAll(`SELECT first, after FROM (${sql}) ORDER BY first LIMIT ${rangeLimit}`))
      .getRows()
      .map(([first, after]) => ({ topic, partition, from: Number(first), to: Number(after) }));
  const lengthOf = async (sql: string): Promise<number> =>
    Number(
      (
        await connection.runAndReadAll(`SELECT CAST(coalesce(sum(after - first), 0) AS BIGINT) FROM (${sql})`)
      ).getRows()[0]?.[0] ?? 0,
    );
  return {
    removedOffsets: await lengthOf(removed),
    missingOffsets: await lengthOf(gaps),
    missing: await rangesOf(gaps),
    repeated: await rangesOf(overlaps),
  };
}

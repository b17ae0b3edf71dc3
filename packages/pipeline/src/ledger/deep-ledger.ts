import type { LogReader, OffsetRange, Topic } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredPositions } from '../ingest/transaction-ids.ts';
import { tableSql, type LakeTables } from '../lake/lake-tables.ts';
import type { CoordinateRange, DeepLedger } from '../lake-service.ts';
import { countLog } from './count-log.ts';
import { takeSnapshots, type LedgerSnapshots } from './ledger.ts';

/** Ranges named at most: a ledger that is far off needs no longer list. */
const rangeLimit = 100;

/**
 * Proves that each offset which the log retains and Silver covers is in exactly one place (S4.2): the log is
 * read with its checksums, and the tables' coordinates are counted against it.
 */
export async function checkEveryOffset(
  connection: DuckDBConnection,
  log: LogReader,
  tables: LakeTables,
): Promise<DeepLedger> {
  const snapshots = await takeSnapshots(tables);
  const covered = coveredPositions(snapshots.silver.transactions);
  const errorsCovered = coveredPositions(snapshots.dead_letters.transactions).errors;
  let checkedOffsets = 0;
  let missingOffsets = 0;
  const missing: CoordinateRange[] = [];
  const repeated: CoordinateRange[] = [];
  for (const { topic, partition, startOffset, skipped } of await log.describe()) {
    const end = topic === 'clickstream-errors' ? errorsCovered : (covered.events[partition] ?? 0n);
    if (end <= startOffset) continue;
    checkedOffsets += (await countLog(log, topic, partition, startOffset, end)).readable;
    const scope = { topic, partition, from: startOffset, to: end, skipped };
    const found = await compare(connection, tables, snapshots, scope);
    missingOffsets += found.missingOffsets;
    missing.push(...found.missing);
    repeated.push(...found.repeated);
  }
  return {
    checkedOffsets,
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
}

interface Comparison {
  readonly missingOffsets: number;
  readonly missing: readonly CoordinateRange[];
  readonly repeated: readonly CoordinateRange[];
}

async function compare(
  connection: DuckDBConnection,
  tables: LakeTables,
  snapshots: LedgerSnapshots,
  { topic, partition, from, to, skipped }: Scope,
): Promise<Comparison> {
  const within = (topicColumn: string, partitionColumn: string, offsetColumn: string): string =>
    `WHERE ${topicColumn} = '${topic}' AND ${partitionColumn} = ${partition}
       AND ${offsetColumn} >= ${from} AND ${offsetColumn} < ${to}`;
  const places = `
    SELECT log_offset AS o FROM (${tableSql(tables.silver, snapshots.silver)})
      ${within('log_topic', 'log_partition', 'log_offset')}
    UNION ALL SELECT log_offset FROM (${tableSql(tables.duplicates, snapshots.duplicates)})
      ${within('log_topic', 'log_partition', 'log_offset')}
    UNION ALL SELECT "offset" FROM (${tableSql(tables.dead_letters, snapshots.dead_letters)})
      ${within('topic', '"partition"', '"offset"')}`;
  // The range's own ends stand as neighbours, and a range given up as if its offsets were there.
  const marks = [
    `(${from}, ${from})`,
    `(${to}, ${to} + 1)`,
    ...skipped
      .filter((range) => range.to > from && range.from < to)
      .map((range) => `(${range.from}, ${range.to})`),
  ];
  const gaps = `
    SELECT reached AS first, o AS after FROM (
      SELECT o, max(next) OVER (ORDER BY o, next ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
      FROM (SELECT o, o + 1 AS next FROM (${places}) UNION ALL (VALUES ${marks.join(', ')})) t(o, next)
    ) WHERE o > reached`;
  const rangesOf = async (sql: string): Promise<CoordinateRange[]> =>
    (await connection.runAndReadAll(sql)).getRows().map(([first, after]) => ({
      topic,
      partition,
      from: Number(first),
      to: Number(after),
    }));
  const total = await connection.runAndReadAll(
    `SELECT CAST(coalesce(sum(after - first), 0) AS BIGINT) FROM (${gaps})`,
  );
  return {
    missingOffsets: Number(total.getRows()[0]?.[0] ?? 0),
    missing: await rangesOf(`SELECT first, after FROM (${gaps}) ORDER BY first LIMIT ${rangeLimit}`),
    repeated: await rangesOf(
      `SELECT o, o + 1 FROM (${places}) GROUP BY o HAVING count(*) > 1 ORDER BY o LIMIT ${rangeLimit}`,
    ),
  };
}

import { topicPartitions, type LogReader, type Topic } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredPositions } from '../ingest/transaction-ids.ts';
import { tableSql, type LakeTables } from '../lake/lake-tables.ts';
import type { CoordinateRange, DeepLedger } from '../lake-service.ts';
import { takeSnapshots, type LedgerSnapshots } from './ledger.ts';

/** Ranges named at most: a ledger that is far off needs no longer list. */
const rangeLimit = 100;

/**
 * Proves that each offset which the log retains and Silver covers is in exactly one place (S4.2): the log is
 * walked with its checksums, and the tables' coordinates are counted against it.
 */
export async function checkEveryOffset(
  connection: DuckDBConnection,
  log: LogReader,
  tables: LakeTables,
): Promise<DeepLedger> {
  const snapshots = await takeSnapshots(tables);
  const covered = coveredPositions(snapshots.silver.transactions);
  const errorsCovered = coveredPositions(snapshots.dead_letters.transactions).errors;
  const states = await log.describe();
  let checkedOffsets = 0;
  const missing: CoordinateRange[] = [];
  const repeated: CoordinateRange[] = [];
  for (const { topic, partition, startOffset, skipped } of states) {
    const end = topic === 'clickstream-errors' ? errorsCovered : (covered.events[partition] ?? 0n);
    if (end <= startOffset) continue;
    const readable = await walkLog(log, topic, partition, startOffset, end);
    checkedOffsets += readable;
    const found = await compare(connection, tables, snapshots, topic, partition, startOffset, end);
    const given = found.missing.filter(
      (range) => !skipped.some((gap) => Number(gap.from) <= range.from && range.to <= Number(gap.to)),
    );
    missing.push(...given);
    repeated.push(...found.repeated);
  }
  const missingOffsets = missing.reduce((sum, range) => sum + range.to - range.from, 0);
  return {
    checkedOffsets,
    missingOffsets,
    missing: missing.slice(0, rangeLimit),
    repeated: repeated.slice(0, rangeLimit),
  };
}

/** Reads every record of a range, which verifies its checksums. */
async function walkLog(
  log: LogReader,
  topic: Topic,
  partition: number,
  from: bigint,
  to: bigint,
): Promise<number> {
  let records = 0;
  for (let at = from; at < to;) {
    const batches = await log.fetch(topic, partition, at, 16 * 1024 * 1024);
    const next = batches.at(-1)?.nextOffset;
    if (next === undefined) break;
    records += batches.reduce((sum, batch) => sum + batch.count, 0);
    at = next;
  }
  return records;
}

interface Comparison {
  readonly missing: readonly CoordinateRange[];
  readonly repeated: readonly CoordinateRange[];
}

async function compare(
  connection: DuckDBConnection,
  tables: LakeTables,
  snapshots: LedgerSnapshots,
  topic: Topic,
  partition: number,
  from: bigint,
  to: bigint,
): Promise<Comparison> {
  if (!(topic in topicPartitions)) throw new RangeError(`${topic} is no topic of ours.`);
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
  const ranges = async (sql: string): Promise<CoordinateRange[]> =>
    (await connection.runAndReadAll(sql)).getRows().map(([first, after]) => ({
      topic,
      partition,
      from: Number(first),
      to: Number(after),
    }));
  return {
    repeated: await ranges(
      `SELECT o, o + 1 FROM (${places}) GROUP BY o HAVING count(*) > 1 ORDER BY o LIMIT ${rangeLimit}`,
    ),
    // Gaps between the offsets that are there, with the range's own ends as neighbours.
    missing: await ranges(
      `SELECT before + 1, o FROM (
         SELECT o, lag(o) OVER (ORDER BY o) AS before FROM (
           SELECT DISTINCT o FROM (${places}) UNION ALL VALUES (${from - 1n}), (${to}))
       ) WHERE o > before + 1 ORDER BY o LIMIT ${rangeLimit}`,
    ),
  };
}

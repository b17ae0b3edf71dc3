import {
  parseStatistics,
  recordCount,
  scanSql,
  type AddFile,
  type DeltaTable,
  type Snapshot,
} from '@clicklake/delta-lake';
import type { CrashPoints } from '@clicklake/durable-files';
import { isClicklakeError } from '@clicklake/errors';
import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { coveredOffsets, removalsAppId, removedAppId } from '../ingest/transaction-ids.ts';
import { spansOfRows, startOffsets, type Removals } from '../ledger/removals.ts';

/** What of Silver is past its retention. Times in milliseconds since the epoch. */
export interface SilverRetention {
  /** Rows of dates before this one are too old, `YYYY-MM-DD`. */
  readonly before: string;
  /** Dates before this one are overdue: late events have held them up for a whole dedupe window. */
  readonly overdueBefore: string;
  /** An event received before this can be the first of no record that is still to come (S3.1). */
  readonly forgottenBefore: number;
}

/** Which files a retention takes away. */
export interface PlannedRemoval {
  readonly dates: readonly string[];
  readonly files: readonly AddFile[];
  readonly rows: number;
}

/** @param oldestToCome received_at that no record still to come is older than. */
export function silverRetention(
  now: number,
  retentionMs: number,
  windowMs: number,
  oldestToCome: number,
): SilverRetention {
  return {
    before: dateOf(now - retentionMs),
    overdueBefore: dateOf(now - retentionMs - windowMs),
    forgottenBefore: oldestToCome - windowMs,
  };
}

/**
 * Whole dates that are too old, as files, so that no row is read. A date stays while an id of it is within the dedupe
 * window: were its row gone, a second event with this id would be one, or would not, depending on whether the dedupe
 * state has been rebuilt since (S3.1, S3.3). A date that late events hold up for longer than the window goes file by
 * file. A file without statistics stays until compaction has given it some. Pure.
 */
export function planSilverRemoval(
  snapshot: Pick<Snapshot, 'files'>,
  { before, overdueBefore, forgottenBefore }: SilverRetention,
): PlannedRemoval {
  const old = new Map<string, AddFile[]>();
  for (const file of snapshot.files.values()) {
    const date = file.partitionValues.event_date;
    if (date == null || date >= before) continue;
    const files = old.get(date);
    if (files === undefined) old.set(date, [file]);
    else files.push(file);
  }
  const dates: string[] = [];
  const files: AddFile[] = [];
  for (const [date, all] of [...old].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const forgotten = all.filter((file) => newestReceived(file) < forgottenBefore);
    const goes = forgotten.length === all.length || date < overdueBefore ? forgotten : [];
    if (goes.length > 0) dates.push(date);
    files.push(...goes);
  }
  return { dates, files, rows: files.reduce((sum, { stats }) => sum + (recordCount(stats) ?? 0), 0) };
}

/** Statistics cut times to milliseconds (PROTOCOL, "Per-file Statistics"). */
function newestReceived({ stats }: AddFile): number {
  const newest = parseStatistics(stats)?.maxValues.received_at;
  if (recordCount(stats) === undefined || typeof newest !== 'string') return Infinity;
  const time = Date.parse(newest);
  return Number.isNaN(time) ? Infinity : time + 1;
}

/**
 * A received_at that no record which Silver does not cover yet is older than: that of the next record of each
 * partition, or, where a partition was read to its end, the newest of all (received-horizon says why). 0 when nothing
 * can be said.
 */
export async function oldestToCome(log: LogReader, silver: Pick<Snapshot, 'transactions'>): Promise<number> {
  const covered = coveredOffsets(silver.transactions, 'clickstream-events');
  const partitions = (await log.describe()).filter(({ topic }) => topic === 'clickstream-events');
  const newest = Math.max(...partitions.map(({ lastTimestamp }) => lastTimestamp));
  let oldest = newest;
  for (const { topic, partition, endOffset } of partitions) {
    const next = covered[partition] ?? 0n;
    if (next >= endOffset) continue;
    oldest = Math.min(oldest, await timestampAt(log, topic, partition, next));
  }
  return oldest;
}

async function timestampAt(
  log: LogReader,
  topic: 'clickstream-events' | 'clickstream-errors',
  partition: number,
  offset: bigint,
): Promise<number> {
  try {
    const [batch] = await log.fetch(topic, partition, offset, 1);
    return batch?.records()[0]?.timestamp ?? 0;
  } catch (error) {
    // Ingest stands before it and says so; what follows may be of any age.
    if (isClicklakeError(error) && error.code === 'log-corrupt-range') return 0;
    throw error;
  }
}

export interface SilverRemovalDependencies {
  readonly silver: DeltaTable;
  readonly removals: Removals;
  readonly connection: DuckDBConnection;
  readonly log: LogReader;
  readonly crashPoints: CrashPoints;
}

/**
 * Takes files away in one commit that books their rows as removed (S4.2), after those of their offsets that the log
 * still holds. Ingest commits beside it: neither reads what the other writes, and they move different `txn`s.
 *
 * @throws DeltaError `delta-concurrent-delete`, `delta-transaction-fenced` when another one rewrote Silver meanwhile.
 */
export async function removeFromSilver(
  { silver, removals, connection, log, crashPoints }: SilverRemovalDependencies,
  snapshot: Snapshot,
  { before }: SilverRetention,
  { files, rows }: PlannedRemoval,
): Promise<number> {
  const removed = snapshot.transactions.get(removedAppId);
  const booking = await removals.book(connection, {
    after: snapshot.transactions,
    rows: BigInt(rows),
    spansSql: spansOfRows(scanSql(silver.store, snapshot, files), await startOffsets(log)),
  });
  crashPoints.reach('retention-before-commit');
  const { version } = await silver.commit({
    operation: 'DELETE',
    operationParameters: { predicate: [`event_date < '${before}'`] },
    operationMetrics: { numRemovedFiles: files.length, numAddedFiles: 0, numDeletedRows: rows },
    removes: files,
    transactions: [
      { appId: removedAppId, version: (removed ?? 0n) + BigInt(rows) },
      { appId: removalsAppId, version: booking },
    ],
    expectedTransactions: new Map([[removedAppId, removed]]),
    reads: { kind: 'removed-files' },
    readVersion: snapshot.version,
  });
  crashPoints.reach('retention-after-commit');
  return version;
}

function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

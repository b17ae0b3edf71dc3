import type { DeltaTable, Snapshot } from '@clicklake/delta-lake';
import type { LogReader, PartitionState } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import {
  coveredOffsets,
  coveredPositions,
  removedAppId,
  unreadableAppId,
} from '../ingest/transaction-ids.ts';
import { duplicatesOf } from '../lake/duplicates-of-silver.ts';
import { rowsOf, tableSql, type LakeTables } from '../lake/lake-tables.ts';
import type { Ledger, TableName } from '../lake-service.ts';
import { settleAll } from '../settle-all.ts';
import { countLog } from './count-log.ts';

/** The committed state of the three tables that the ledger counts. */
export type LedgerSnapshots = Readonly<Record<TableName, Snapshot>>;

/**
 * Takes the three snapshots so that they agree: Silver first and last. A batch commits to Silver last, so with
 * Silver unmoved meanwhile the other two hold all that Silver's `txn` covers.
 */
export async function takeSnapshots(tables: LakeTables): Promise<LedgerSnapshots> {
  for (;;) {
    const silver = await tables.silver.snapshot();
    const deadLetters = await tables.dead_letters.snapshot();
    const duplicates = await duplicatesOf(tables.duplicates, silver);
    const again = await tables.silver.snapshot();
    if (again.version === silver.version) return { silver, dead_letters: deadLetters, duplicates };
  }
}

/**
 * Counts both sides of S4.2 independently: what the log says was appended, and where the records are.
 *
 * Dead letters and duplicates are committed before Silver. Between those commits, and after a crash there,
 * their rows beyond Silver's `txn` are part of a batch that is still in flight: the log counts them there, so
 * they are not counted as rows.
 *
 * Snapshots are taken before the log is read: a commit in between only moves records that this ledger counts
 * as in flight from the snapshots' offsets.
 */
export async function computeLedger(
  connection: DuckDBConnection,
  reader: LogReader,
  tables: LakeTables,
): Promise<Ledger> {
  const { silver, dead_letters: deadLetters, duplicates } = await takeSnapshots(tables);
  const covered = coveredOffsets(silver.transactions, 'clickstream-events');
  const errorsCovered = coveredPositions(deadLetters.transactions).errors;
  const states = await reader.describe();
  const [pendingDeadLetters, pendingDuplicates, inFlight] = await settleAll([
    rowsBeyond(connection, tables.dead_letters, deadLetters, covered, {
      topic: 'topic',
      partition: '"partition"',
      offset: '"offset"',
    }),
    rowsBeyond(connection, tables.duplicates, duplicates, covered, {
      topic: 'log_topic',
      partition: 'log_partition',
      offset: 'log_offset',
    }),
    settleAll(
      states.map((state) =>
        countLog(
          reader,
          state.topic,
          state.partition,
          nextOffset(state, covered, errorsCovered),
          state.endOffset,
        ),
      ),
    ),
  ]);
  const counts = {
    appended: Number(sum(states.map((state) => state.appended))),
    silver: rowsOf(silver),
    dead_letters: rowsOf(deadLetters) - pendingDeadLetters,
    duplicates: rowsOf(duplicates) - pendingDuplicates,
    in_flight: inFlight.reduce((total, { readable }) => total + readable, 0),
    // Booked with the commits that passed them, given up beyond those, and met there just now.
    unreadable:
      Number(
        (silver.transactions.get(unreadableAppId) ?? 0n) +
          (deadLetters.transactions.get(unreadableAppId) ?? 0n) +
          sum(states.map((state) => skippedBeyond(state, nextOffset(state, covered, errorsCovered)))),
      ) + inFlight.reduce((total, { corrupt }) => total + corrupt, 0),
    removed: Number(silver.transactions.get(removedAppId) ?? 0n),
  };
  const difference =
    counts.appended -
    (counts.silver +
      counts.dead_letters +
      counts.duplicates +
      counts.in_flight +
      counts.unreadable +
      counts.removed);
  return { ...counts, balanced: difference === 0, difference };
}

function nextOffset(state: PartitionState, events: readonly bigint[], errors: bigint): bigint {
  return state.topic === 'clickstream-errors' ? errors : (events[state.partition] ?? 0n);
}

/** Offsets given up that no commit has passed yet. */
function skippedBeyond(state: PartitionState, from: bigint): bigint {
  return sum(
    state.skipped.map((range) =>
      range.to <= from ? 0n : range.to - (range.from > from ? range.from : from),
    ),
  );
}

interface CoordinateColumns {
  readonly topic: string;
  readonly partition: string;
  readonly offset: string;
}

/** Rows of a table whose offsets Silver's `txn` does not cover; none to look for once Silver has caught up. */
async function rowsBeyond(
  connection: DuckDBConnection,
  table: DeltaTable,
  snapshot: Snapshot,
  covered: readonly bigint[],
  columns: CoordinateColumns,
): Promise<number> {
  const own = coveredOffsets(snapshot.transactions, 'clickstream-events');
  if (own.every((next, partition) => next <= (covered[partition] ?? 0n))) return 0;
  const beyond = covered
    .map((next, partition) => `(${columns.partition} = ${partition} AND ${columns.offset} >= ${next})`)
    .join(' OR ');
  const found = await connection.runAndReadAll(
    `SELECT count(*) FROM (${tableSql(table, snapshot)}) WHERE ${columns.topic} = 'clickstream-events' AND (${beyond})`,
  );
  return Number(found.getRows()[0]?.[0] ?? 0);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((total, value) => total + value, 0n);
}

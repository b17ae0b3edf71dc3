import {
  column,
  createTable,
  isDeltaError,
  openTable,
  structOf,
  type DeltaTable,
  type ObjectStore,
} from '@clicklake/delta-lake';
import type { CrashPoints } from '@clicklake/durable-files';
import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { removalsAppId, type Transactions } from '../ingest/transaction-ids.ts';
import { tableSql } from '../lake/lake-tables.ts';

/**
 * Which log offsets the rows had that a restore or a retention has deleted from Silver: the place where `ledger --deep`
 * finds them (S4.2).
 *
 * Each removal is a booking: rows of a Delta table, written before the commit of Silver that deletes, which names the
 * booking in a `txn`. A booking names the one before it, so that a version of Silver says by itself which of them
 * count: one whose commit never came is in no chain, and a restore goes back to the chain of its target as it goes
 * back to its offsets. Only offsets that the log still holds are booked: of others nobody can ask any more.
 */
export interface Removals {
  /** What a version of Silver has lost. */
  at(connection: DuckDBConnection, silver: Transactions): Promise<RemovedOffsets>;
  /** Writes a booking durably. @returns its id, for Silver's `txn`. */
  book(connection: DuckDBConnection, removal: Removal): Promise<bigint>;
  /** Idempotent. */
  close(): Promise<void>;
}

export interface RemovedOffsets {
  /** Deleted rows with a booking; the ledger's `removed` exceeds it by those that an earlier version deleted without. */
  readonly rows: bigint;
  /** A SELECT of the columns of `spanColumns`. */
  readonly spansSql: string;
}

export interface Removal {
  /** The `txn`s whose chain it continues. */
  readonly after: Transactions;
  readonly rows: bigint;
  /** A SELECT of the columns of `spanColumns`, in any order; spans may touch. */
  readonly spansSql: string;
}

export interface RemovalsOptions {
  readonly store: ObjectStore;
  readonly duckdb: DuckDBInstance;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
}

/** Offsets of `clickstream-events`, the only topic that Silver has rows of; `after_offset` is exclusive. */
export const spanColumns = 'log_partition, first_offset, after_offset';

const definition = {
  name: 'removals',
  description: 'Log offsets of rows that were deleted from Silver.',
  schema: structOf(
    column('booking', 'long'),
    column('previous', 'long'),
    column('removed_rows', 'long'),
    // Null in a booking without an offset that the log holds.
    column('log_partition', 'integer'),
    column('first_offset', 'long'),
    column('after_offset', 'long'),
  ),
};

export function openRemovals({ store, crashPoints, ...given }: RemovalsOptions): Removals {
  let opened: DeltaTable | undefined;
  // Silver's own commit is to be told apart from this table's.
  const options = {
    ...given,
    crashPoints: { reach: (name: string) => crashPoints.reach(`removals-${name}`) },
  };

  async function openIfThere(): Promise<DeltaTable | undefined> {
    try {
      return (opened ??= await openTable(store, options));
    } catch (error) {
      if (isDeltaError(error, 'delta-table-not-found')) return undefined;
      throw error;
    }
  }

  return {
    async at(connection, silver) {
      const head = silver.get(removalsAppId) ?? 0n;
      const table = head === 0n ? undefined : await openIfThere();
      if (table === undefined) return { rows: 0n, spansSql: noSpans };
      const sql = tableSql(table, await table.snapshot());
      const chain = chainOf(await bookingsOf(connection, sql), head);
      if (chain.length === 0) return { rows: 0n, spansSql: noSpans };
      return {
        rows: chain.reduce((sum, { rows }) => sum + rows, 0n),
        spansSql: `SELECT ${spanColumns} FROM (${sql})
          WHERE first_offset IS NOT NULL AND booking IN (${chain.map(({ booking }) => booking).join(', ')})`,
      };
    },
    async book(connection, { after, rows, spansSql }) {
      const table = (await openIfThere()) ?? (opened = await createTable(store, definition, options));
      const bookings = await bookingsOf(connection, tableSql(table, await table.snapshot()));
      const id = bookings.reduce((newest, { booking }) => (booking > newest ? booking : newest), 0n) + 1n;
      await table.append(
        `SELECT CAST(${id} AS BIGINT) AS booking, CAST(${after.get(removalsAppId) ?? 0n} AS BIGINT) AS previous,
           CAST(${rows} AS BIGINT) AS removed_rows, ${spanColumns}
         FROM (SELECT 1) LEFT JOIN (${joined(spansSql)}) ON true`,
      );
      return id;
    },
    async close() {
      await opened?.close();
      opened = undefined;
    },
  };
}

const noSpans =
  'SELECT CAST(NULL AS INTEGER) AS log_partition, CAST(NULL AS BIGINT) AS first_offset, CAST(NULL AS BIGINT) AS after_offset WHERE false';

interface Booking {
  readonly booking: bigint;
  readonly previous: bigint;
  readonly rows: bigint;
}

async function bookingsOf(connection: DuckDBConnection, sql: string): Promise<readonly Booking[]> {
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT booking, previous, removed_rows FROM (${sql})`,
  );
  return found.getRows().map(([booking, previous, rows]) => ({
    booking: booking as bigint,
    previous: previous as bigint,
    rows: rows as bigint,
  }));
}

/** From the newest back to the first. A booking that is not there, nor any before it, counts as none. */
function chainOf(bookings: readonly Booking[], head: bigint): readonly Booking[] {
  const byId = new Map(bookings.map((booking) => [booking.booking, booking]));
  const chain: Booking[] = [];
  for (let next = byId.get(head); next !== undefined; next = byId.get(next.previous)) {
    chain.push(next);
    byId.delete(next.booking);
  }
  return chain;
}

/** Spans that touch become one. */
function joined(spansSql: string): string {
  return `SELECT CAST(log_partition AS INTEGER) AS log_partition, CAST(min(first_offset) AS BIGINT) AS first_offset,
      CAST(max(after_offset) AS BIGINT) AS after_offset
    FROM (
      SELECT *, count(*) FILTER (begins) OVER (PARTITION BY log_partition ORDER BY first_offset ROWS UNBOUNDED PRECEDING) AS island
      FROM (
        SELECT *, coalesce(first_offset > max(after_offset) OVER
          (PARTITION BY log_partition ORDER BY first_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), true) AS begins
        FROM (${spansSql})
      )
    ) GROUP BY log_partition, island`;
}

/**
 * The spans of rows of Silver, or of spans, from an offset of each partition on.
 *
 * @param from by partition; what lies below is of no more interest.
 */
export function spansOfRows(rowsSql: string, from: readonly bigint[]): string {
  const lowest = from.reduce((least, offset) => (offset < least ? offset : least), from[0] ?? 0n);
  return spansFrom(
    `SELECT log_partition, log_offset AS first_offset, log_offset + 1 AS after_offset FROM (${rowsSql})
     WHERE log_offset >= ${lowest}`,
    from,
  );
}

export function spansFrom(spansSql: string, from: readonly bigint[]): string {
  const bounds = from.map((offset, partition) => `(${partition}, CAST(${offset} AS BIGINT))`).join(', ');
  return `SELECT log_partition, greatest(first_offset, least_offset) AS first_offset, after_offset
    FROM (${spansSql}) JOIN (VALUES ${bounds}) bounds(bound_partition, least_offset) ON bound_partition = log_partition
    WHERE after_offset > least_offset`;
}

/** Where the log begins, by partition of `clickstream-events`. */
export async function startOffsets(log: LogReader): Promise<readonly bigint[]> {
  const starts: bigint[] = [];
  for (const { topic, partition, startOffset } of await log.describe())
    if (topic === 'clickstream-events') starts[partition] = startOffset;
  return starts;
}

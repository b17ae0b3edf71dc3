import { pruneFiles, type AddFile, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import type { FoundEntry } from '../dedupe/index.ts';
import type { RecordPlace } from './event-trace.ts';
import type { IdFilters } from './id-filters.ts';
import { filesThatMayHold } from './silver-place.ts';
import { filesSql, selectRows, type TableRow } from './table-rows.ts';

/** What the dedupe index says of an id: where it is, and since when the index knows of every row (ms). */
export interface KnownEntries {
  readonly entries: readonly FoundEntry[];
  readonly completeSince: number;
}

export interface SilverRow {
  readonly row: TableRow;
  readonly file: AddFile;
}

export interface FoundInSilver {
  readonly rows: readonly SilverRow[];
  /** Files whose ids had to be read. */
  readonly read: readonly AddFile[];
}

/**
 * Committed rows of Silver with this event_id. The index names those of its window; whatever is older, or everything
 * without an index, is found by reading the ids of every file that no filter rules out. Neither index nor filter ever
 * leaves out a row, so an id that is not found is not there.
 */
export async function findInSilver(
  connection: DuckDBConnection,
  table: DeltaTable,
  snapshot: Snapshot,
  eventId: string,
  known: KnownEntries | undefined,
  filters: IdFilters,
): Promise<FoundInSilver> {
  const unknown =
    known === undefined
      ? [...snapshot.files.values()]
      : pruneFiles(snapshot, [
          { column: 'received_at', op: '<', value: new Date(known.completeSince).toISOString() },
        ]);
  const places = new Map<string, FoundEntry>();
  const note = (place: FoundEntry): unknown => places.set(`${place.partition}:${place.offset}`, place);
  known?.entries.forEach(note);
  const read = await filters.select(connection, unknown, eventId);
  (await scanIds(connection, table, snapshot, read, eventId)).forEach(note);
  const rows: SilverRow[] = [];
  for (const place of places.values()) {
    const row = await rowAt(connection, table, snapshot, eventId, place);
    if (row !== undefined) rows.push(row);
  }
  return { rows, read };
}

/** Files of one statement: few enough that planning stays cheap. */
const filesPerScan = 200;

async function scanIds(
  connection: DuckDBConnection,
  table: DeltaTable,
  snapshot: Snapshot,
  files: readonly AddFile[],
  eventId: string,
): Promise<readonly FoundEntry[]> {
  const found: FoundEntry[] = [];
  for (let from = 0; from < files.length; from += filesPerScan) {
    const rows = await selectRows(
      connection,
      `SELECT log_partition, log_offset, CAST(epoch_ms(received_at) AS DOUBLE) AS received_at
       FROM ${filesSql(table, snapshot, files.slice(from, from + filesPerScan))} WHERE event_id = $1`,
      [eventId],
    );
    for (const { values } of rows) {
      found.push({
        partition: Number(values.get('log_partition')),
        offset: Number(values.get('log_offset')),
        receivedAt: Number(values.get('received_at')),
      });
    }
  }
  return found;
}

/** The whole row, and which file it lies in. */
async function rowAt(
  connection: DuckDBConnection,
  table: DeltaTable,
  snapshot: Snapshot,
  eventId: string,
  place: FoundEntry,
): Promise<SilverRow | undefined> {
  for (const file of filesThatMayHold(snapshot, place)) {
    const [row] = await selectRows(
      connection,
      `SELECT * FROM ${filesSql(table, snapshot, [file])}
       WHERE log_offset = $1 AND log_partition = $2 AND event_id = $3`,
      [BigInt(place.offset), place.partition, eventId],
    );
    if (row !== undefined) return { row, file };
  }
  return undefined;
}

/** Columns of `duplicates` and `dead_letters` that a trace tells; the raw bytes are the log's, or `dead-letters show`'s. */
const duplicateColumns =
  'event_id, log_topic, log_partition, log_offset, received_at, first_topic, first_partition, first_offset';
const deadLetterColumns =
  'topic, "partition", "offset", received_at, reason, field, message, event_id, source_id, replay_of';

export function findDuplicates(
  connection: DuckDBConnection,
  table: string,
  eventId: string,
): Promise<readonly TableRow[]> {
  return selectRows(connection, `SELECT ${duplicateColumns} FROM ${table} WHERE event_id = $1`, [eventId]);
}

/** Dead letters with this id, and those at these places whatever their id. */
export function findDeadLetters(
  connection: DuckDBConnection,
  table: string,
  eventId: string | null,
  places: readonly RecordPlace[],
): Promise<readonly TableRow[]> {
  const conditions: string[] = [];
  const values: DuckDBValue[] = [];
  const bound = (value: DuckDBValue): string => `$${values.push(value)}`;
  if (eventId !== null) conditions.push(`event_id = ${bound(eventId)}`);
  for (const { topic, partition, offset } of places) {
    conditions.push(
      `(topic = ${bound(topic)} AND "partition" = ${bound(partition)} AND "offset" = ${bound(BigInt(offset))})`,
    );
  }
  if (conditions.length === 0) return Promise.resolve([]);
  return selectRows(
    connection,
    `SELECT ${deadLetterColumns} FROM ${table} WHERE ${conditions.join(' OR ')}`,
    values,
  );
}

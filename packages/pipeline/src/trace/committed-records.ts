import { pruneFiles, type AddFile, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import type { DuckDBValue } from '@duckdb/node-api';
import type { FoundEntry } from '../dedupe/index.ts';
import type { Connections } from '../lake/connections.ts';
import type { RecordPlace } from './event-trace.ts';
import type { IdFilters } from './id-filters.ts';
import { filesThatMayHold } from './silver-place.ts';
import { filesSql, selectRows, type TableRow } from './table-rows.ts';
import { together } from './together.ts';

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
  connections: Connections,
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
  let read: readonly AddFile[] = [];
  const older = async (): Promise<readonly SilverRow[]> => {
    read = await connections.use((connection) => filters.select(connection, unknown, eventId));
    return scan(connections, table, snapshot, read, 'event_id', [eventId]);
  };
  const indexed = async (entry: FoundEntry): Promise<readonly SilverRow[]> => {
    const row = await rowAt(connections, table, snapshot, eventId, entry);
    return row === undefined ? [] : [row];
  };
  const found = await together([older(), ...(known?.entries ?? []).map(indexed)]);
  // A file that was read may hold rows of the index's window, too.
  const rows = new Map(found.flat().map((row) => [placeOf(row), row]));
  return { rows: [...rows.values()], read };
}

function placeOf({ row: { json } }: SilverRow): string {
  return `${Number(json.log_partition)}:${Number(json.log_offset)}`;
}

/** Files of one statement: few enough that planning stays cheap. */
const filesPerScan = 200;
/** Statements that there are at least: a core has one. */
const scansAtLeast = 2;
const fileColumn = 'file of the row';

/** @param column `event_id` or `replay_of`; @param values one of which it is to have. */
async function scan(
  connections: Connections,
  table: DeltaTable,
  snapshot: Snapshot,
  files: readonly AddFile[],
  column: 'event_id' | 'replay_of',
  values: readonly string[],
): Promise<readonly SilverRow[]> {
  const fileAt = new Map(files.map((file) => [table.store.location(file.path), file]));
  const step = Math.min(filesPerScan, Math.ceil(files.length / scansAtLeast));
  const scans: Promise<readonly TableRow[]>[] = [];
  for (let from = 0; from < files.length; from += step)
    scans.push(
      selectRows(
        connections,
        `SELECT * FROM ${filesSql(table, snapshot, files.slice(from, from + step), fileColumn)}
         WHERE ${column} IN (${values.map((_, index) => `$${index + 1}`).join(', ')})`,
        values,
      ),
    );
  return (await together(scans)).flat().map(({ json, values: byName }): SilverRow => {
    const { [fileColumn]: place, ...rest } = json;
    const file = typeof place === 'string' ? fileAt.get(place) : undefined;
    if (file === undefined) throw new TypeError('A row was found in a file that was not asked.');
    return { row: { json: rest, values: byName }, file };
  });
}

/** Rows of Silver that replay one of these dead letters, whatever id their mender gave them (S8). */
export async function findReplaysInSilver(
  connections: Connections,
  table: DeltaTable,
  snapshot: Snapshot,
  origins: readonly string[],
): Promise<readonly SilverRow[]> {
  if (origins.length === 0) return [];
  // Hardly any row has one, and the statistics of most files say that none of theirs does.
  const files = pruneFiles(snapshot, [{ column: 'replay_of', op: 'is not null' }]);
  return scan(connections, table, snapshot, files, 'replay_of', origins);
}

/** The whole row, and which file it lies in. */
async function rowAt(
  connections: Connections,
  table: DeltaTable,
  snapshot: Snapshot,
  eventId: string,
  place: FoundEntry,
): Promise<SilverRow | undefined> {
  for (const file of filesThatMayHold(snapshot, place)) {
    const [row] = await selectRows(
      connections,
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
  connections: Connections,
  table: string,
  eventId: string,
): Promise<readonly TableRow[]> {
  return selectRows(connections, `SELECT ${duplicateColumns} FROM ${table} WHERE event_id = $1`, [eventId]);
}

/** Dead letters with this id, those at these places, and failed replays of these, whatever their id. */
export function findDeadLetters(
  connections: Connections,
  table: string,
  eventId: string | null,
  places: readonly RecordPlace[],
  replaysOf: readonly string[] = [],
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
  for (const origin of replaysOf) conditions.push(`replay_of = ${bound(origin)}`);
  if (conditions.length === 0) return Promise.resolve([]);
  return selectRows(
    connections,
    `SELECT ${deadLetterColumns} FROM ${table} WHERE ${conditions.join(' OR ')}`,
    values,
  );
}

import { isUtf8 } from 'node:buffer';
import { DuckDBBlobValue, listValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type {
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterPlace,
  DeadLetterRow,
  SizedDeadLetterPlace,
} from '../lake-service.ts';
import { deadLettersWithReplays, filterConditions, originOf } from './dead-letter-filter.ts';
import { tableSql, type LakeTables } from './lake-tables.ts';

const columns = `d.topic, d."partition", d."offset", CAST(epoch_ms(d.received_at) AS DOUBLE), d.reason, d.field, d.message,
  d.event_id, d.source_id, d.replay_of, r.log_partition, r.log_offset, d.raw`;

/** Committed dead letters, newest first. */
export async function deadLetterRows(
  connection: DuckDBConnection,
  { dead_letters: table, silver }: LakeTables,
  filter: DeadLetterFilter & { readonly limit: number },
): Promise<readonly DeadLetterRow[]> {
  const { sql, values } = filterConditions(filter);
  const found = await connection.runAndReadAll(
    `SELECT ${columns} FROM ${await deadLettersWithReplays(table, silver)} WHERE ${sql}
     ORDER BY d.received_at DESC, d.topic, d."partition", d."offset" DESC LIMIT ${Math.max(0, Math.trunc(filter.limit))}`,
    [...values],
  );
  return found.getRows().map(rowOf);
}

/** The committed dead letters of some places, in the order of the places; those that there are none at left out. */
export async function deadLettersAt(
  connection: DuckDBConnection,
  { dead_letters: table, silver }: LakeTables,
  places: readonly DeadLetterPlace[],
): Promise<readonly DeadLetterRow[]> {
  if (places.length === 0) return [];
  const values: DuckDBValue[] = [];
  const tuples = places.map(({ topic, partition, offset }) => {
    values.push(topic, partition, BigInt(offset));
    return `($${values.length - 2}, $${values.length - 1}::INTEGER, $${values.length}::BIGINT)`;
  });
  const found = await connection.runAndReadAll(
    `SELECT ${columns} FROM ${await deadLettersWithReplays(table, silver)}
     SEMI JOIN (VALUES ${tuples.join(', ')}) w(topic, p, o) ON d.topic = w.topic AND d."partition" = w.p AND d."offset" = w.o`,
    values,
  );
  const rows = new Map(found.getRows().map((row) => [placeText(rowOf(row)), rowOf(row)]));
  return places.flatMap((place) => rows.get(placeText(place)) ?? []);
}

/**
 * The places that a filter means, oldest first; of several attempts at one origin the newest.
 */
export async function deadLetterPlaces(
  connection: DuckDBConnection,
  { dead_letters: table, silver }: LakeTables,
  filter: DeadLetterFilter & { readonly limit: number },
): Promise<readonly SizedDeadLetterPlace[]> {
  const { sql, values } = filterConditions(filter);
  const found = await connection.runAndReadAll(
    `SELECT d.topic, d."partition", d."offset", octet_length(d.raw) FROM ${await deadLettersWithReplays(table, silver)} WHERE ${sql}
     QUALIFY row_number() OVER (PARTITION BY ${originOf} ORDER BY d.received_at DESC, d.topic, d."offset" DESC) = 1
     ORDER BY d.received_at, d.topic, d."partition", d."offset" LIMIT ${Math.max(0, Math.trunc(filter.limit))}`,
    [...values],
  );
  return found.getRows().map(([topic, partition, offset, bytes]) => ({
    topic: String(topic),
    partition: Number(partition),
    offset: Number(offset),
    bytes: Number(bytes),
  }));
}

/** As `LakeReader.failedReplays`; of bytes that are text. */
export async function failedReplays(
  connection: DuckDBConnection,
  { dead_letters: table }: LakeTables,
  origins: readonly string[],
): Promise<readonly { readonly of: string; readonly raw: string }[]> {
  const found = await connection.runAndReadAll(
    `SELECT replay_of, TRY(decode(raw)) FROM (${tableSql(table, await table.snapshot())})
     WHERE replay_of IN (SELECT unnest($1::VARCHAR[]))`,
    [listValue([...origins])],
  );
  return found
    .getRows()
    .flatMap(([of, raw]) => (typeof of === 'string' && typeof raw === 'string' ? [{ of, raw }] : []));
}

/** Committed dead letters by reason, field and source: the largest group first. */
export async function deadLetterGroups(
  connection: DuckDBConnection,
  { dead_letters: table, silver }: LakeTables,
  filter: DeadLetterFilter & { readonly limit: number },
): Promise<readonly DeadLetterGroup[]> {
  const { sql, values } = filterConditions(filter);
  const found = await connection.runAndReadAll(
    `SELECT d.reason, d.field, d.source_id, count(*), count(r.replay_of),
       CAST(epoch_ms(min(d.received_at)) AS DOUBLE), CAST(epoch_ms(max(d.received_at)) AS DOUBLE),
       max_by(d.topic || '/' || d."partition" || '/' || d."offset", d.received_at), max_by(d.message, d.received_at)
     FROM ${await deadLettersWithReplays(table, silver)} WHERE ${sql}
     GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3 LIMIT ${Math.max(0, Math.trunc(filter.limit))}`,
    [...values],
  );
  return found.getRows().map(([reason, field, source, count, replayed, first, last, example, message]) => ({
    reason: String(reason),
    field: textOf(field),
    source_id: textOf(source),
    count: Number(count),
    replayed: Number(replayed),
    first_received_at: new Date(Number(first)).toISOString(),
    last_received_at: new Date(Number(last)).toISOString(),
    example: String(example),
    message: textOf(message),
  }));
}

/** Places whose bytes are read together: so many, and of so many bytes, of which the first may alone have more. */
export function placeBatches(
  places: readonly SizedDeadLetterPlace[],
  most: number,
  mostBytes: number,
): SizedDeadLetterPlace[][] {
  const batches: SizedDeadLetterPlace[][] = [];
  let bytes = Infinity;
  for (const place of places) {
    const last = batches.at(-1);
    if (last === undefined || last.length >= most || bytes + place.bytes > mostBytes) {
      batches.push([place]);
      bytes = place.bytes;
    } else {
      last.push(place);
      bytes += place.bytes;
    }
  }
  return batches;
}

/** `topic/partition/offset`, as commands take it. */
export function placeText({ topic, partition, offset }: DeadLetterPlace): string {
  return `${topic}/${partition}/${offset}`;
}

function rowOf(row: readonly DuckDBValue[]): DeadLetterRow {
  const [topic, partition, offset, receivedAt, reason, field, message, eventId, sourceId] = row;
  const [replayOf, replayPartition, replayOffset, raw] = row.slice(9);
  const bytes = raw instanceof DuckDBBlobValue ? Buffer.from(raw.bytes) : Buffer.alloc(0);
  const readable = isUtf8(bytes);
  return {
    topic: String(topic),
    partition: Number(partition),
    offset: Number(offset),
    received_at: new Date(Number(receivedAt)).toISOString(),
    reason: String(reason),
    field: textOf(field),
    message: textOf(message),
    event_id: textOf(eventId),
    source_id: textOf(sourceId),
    replay_of: textOf(replayOf),
    replayed:
      typeof replayOffset === 'bigint'
        ? { partition: Number(replayPartition), offset: Number(replayOffset) }
        : null,
    raw: bytes.toString(readable ? 'utf8' : 'base64'),
    rawEncoding: readable ? 'utf8' : 'base64',
  };
}

function textOf(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

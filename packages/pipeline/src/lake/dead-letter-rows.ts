import { isUtf8 } from 'node:buffer';
import { DuckDBBlobValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type {
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterPlace,
  DeadLetterRow,
  SizedDeadLetterPlace,
} from '../lake-service.ts';
import { deadLettersWithReplays, filterConditions } from './dead-letter-filter.ts';
import type { LakeTables } from './lake-tables.ts';

/** What a `DeadLetterRow` is made of, over dead letters as `d` and the replays that Silver holds as `r`. */
export const deadLetterColumns: readonly string[] = [
  'd.topic',
  'd."partition"',
  'd."offset"',
  'CAST(epoch_ms(d.received_at) AS DOUBLE)',
  'd.reason',
  'd.field',
  'd.message',
  'd.event_id',
  'd.source_id',
  'd.replay_of',
  'r.log_partition',
  'r.log_offset',
  'd.raw',
];
const columns = deadLetterColumns.join(', ');

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
  return found.getRows().map(deadLetterOf);
}

/** The committed dead letter of a place; undefined when there is none. */
export async function deadLetterAt(
  connection: DuckDBConnection,
  { dead_letters: table, silver }: LakeTables,
  { topic, partition, offset }: DeadLetterPlace,
): Promise<DeadLetterRow | undefined> {
  const found = await connection.runAndReadAll(
    `SELECT ${columns} FROM ${await deadLettersWithReplays(table, silver)}
     WHERE d.topic = $1 AND d."partition" = $2::INTEGER AND d."offset" = $3::BIGINT LIMIT 1`,
    [topic, partition, BigInt(offset)],
  );
  return found.getRows().map(deadLetterOf)[0];
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

/** @param row values of `deadLetterColumns`. */
export function deadLetterOf(row: readonly DuckDBValue[]): DeadLetterRow {
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

import { isUtf8 } from 'node:buffer';
import type { DeltaTable } from '@clicklake/delta-lake';
import { DuckDBBlobValue, type DuckDBConnection, type DuckDBValue } from '@duckdb/node-api';
import type { DeadLetterRow } from '../lake-service.ts';
import { tableSql } from './lake-tables.ts';

export interface DeadLetterQuery {
  readonly reason?: string;
  readonly coordinates?: { readonly topic: string; readonly partition: number; readonly offset: number };
  readonly limit: number;
}

/** Committed dead letters, newest first. */
export async function deadLetterRows(
  connection: DuckDBConnection,
  table: DeltaTable,
  { reason, coordinates, limit }: DeadLetterQuery,
): Promise<readonly DeadLetterRow[]> {
  const conditions: string[] = [];
  const values: DuckDBValue[] = [];
  const where = (sql: string, value: DuckDBValue): void => {
    values.push(value);
    conditions.push(`${sql} = $${values.length}`);
  };
  if (reason !== undefined) where('reason', reason);
  if (coordinates !== undefined) {
    where('topic', coordinates.topic);
    where('"partition"', coordinates.partition);
    where('"offset"', BigInt(coordinates.offset));
  }
  const found = await connection.runAndReadAll(
    `SELECT topic, "partition", "offset", CAST(epoch_ms(received_at) AS DOUBLE), reason, field, message, event_id,
       source_id, raw
     FROM (${tableSql(table, await table.snapshot())})
     ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
     ORDER BY received_at DESC, topic, "partition", "offset" DESC LIMIT ${Math.max(0, Math.trunc(limit))}`,
    values,
  );
  return found.getRows().map(rowOf);
}

function rowOf(row: readonly DuckDBValue[]): DeadLetterRow {
  const [topic, partition, offset, receivedAt, reason, field, message, eventId, sourceId, raw] = row;
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
    raw: bytes.toString(readable ? 'utf8' : 'base64'),
    rawEncoding: readable ? 'utf8' : 'base64',
  };
}

function textOf(value: DuckDBValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

import { eventFields } from '@clicklake/contract';
import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import { deadLetterOfRecord, type DeadLetter } from './dead-letter.ts';
import { offsetExpression, partitionExpression, type RowPlaces } from './silver-projection.ts';

/** Every valid record has these columns; a line that could not be read has none. */
export const notAnEvent = eventFields
  .filter(({ required, owner }) => required && owner !== 'ingest')
  .map(({ name }) => `"${name}" IS NULL`)
  .join(' OR ');

export interface UnreadableRow {
  readonly row: number;
  readonly deadLetter: DeadLetter;
}

/** The rows that are no events to DuckDB's JSON reader (`notAnEvent`), as dead letters with the record's bytes. */
export async function unreadableRows(
  connection: DuckDBConnection,
  reader: LogReader,
  table: string,
  places: RowPlaces,
): Promise<readonly UnreadableRow[]> {
  const found = await connection.runAndReadAll(
    `SELECT rowid, CAST(${partitionExpression(places)} AS INTEGER), CAST(${offsetExpression(places)} AS BIGINT)
     FROM ${table} WHERE ${notAnEvent}`,
  );
  const rows: UnreadableRow[] = [];
  for (const [row, partition, offset] of found.getRows()) {
    if (typeof row !== 'bigint' || typeof partition !== 'number' || typeof offset !== 'bigint') continue;
    const batches = await reader.fetch('clickstream-events', partition, offset, 1);
    const record = batches[0]?.records().find((candidate) => candidate.offset === offset);
    if (record === undefined) throw new Error(`The log gave offset ${offset} once and not again.`);
    const deadLetter = deadLetterOfRecord(record, 'clickstream-events', partition, {
      reason: 'unreadable_by_engine',
      field: null,
      message: 'The record was called valid when it was received, but the JSON reader finds no event in it.',
      eventId: null,
    });
    rows.push({ row: Number(row), deadLetter });
  }
  return rows;
}

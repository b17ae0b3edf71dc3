import { DuckDBTimestampTZValue, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { appendRows } from './append-rows.ts';
import type { DeadLetter } from './dead-letter.ts';
import { deadLettersTable } from './generation.ts';

/** Adds dead letters to the generation's table of them and returns its name. */
export async function appendDeadLetters(
  connection: DuckDBConnection,
  generation: number,
  rows: readonly DeadLetter[],
): Promise<string> {
  const table = deadLettersTable(generation);
  await connection.run(
    `CREATE TABLE IF NOT EXISTS ${table} (topic VARCHAR, "partition" INTEGER, "offset" BIGINT,
      received_at TIMESTAMPTZ, reason VARCHAR, field VARCHAR, message VARCHAR, event_id VARCHAR,
      source_id VARCHAR, raw BLOB, judged_by VARCHAR, replay_of VARCHAR)`,
  );
  await appendRows(connection, table, rows, appendDeadLetter);
  return table;
}

function appendDeadLetter(appender: DuckDBAppender, row: DeadLetter): void {
  appender.appendVarchar(row.topic);
  appender.appendInteger(row.partition);
  appender.appendBigInt(row.offset);
  appender.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(Math.trunc(row.receivedAt)) * 1000n));
  for (const text of [row.reason, row.field, row.message, row.eventId, row.sourceId])
    appendText(appender, text);
  appender.appendBlob(row.raw);
  appendText(appender, row.judgedBy);
  appendText(appender, row.replayOf);
}

function appendText(appender: DuckDBAppender, text: string | null): void {
  if (text === null) appender.appendNull();
  else appender.appendVarchar(text);
}

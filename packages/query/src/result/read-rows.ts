import { setImmediate } from 'node:timers/promises';

import type { DuckDBConnection } from '@duckdb/node-api';

import { approximateSize, toJsonValue, type JsonValue } from './json-value.ts';
import type { ResultColumn } from './query-result.ts';

export interface RowLimits {
  readonly maxRows: number;
  /** Approximate bytes of JSON. */
  readonly maxBytes: number;
}

export interface ReadRows {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly JsonValue[])[];
  readonly truncated: boolean;
  /** Approximate bytes of `rows` as JSON. */
  readonly bytes: number;
}

/** Runs one statement and reads its rows chunk by chunk, no further than the limits. */
export async function readRows(
  connection: DuckDBConnection,
  sql: string,
  limits: RowLimits,
): Promise<ReadRows> {
  const result = await connection.stream(sql);
  const columns = result
    .columnNames()
    .map((name, index) => ({ name, type: result.columnType(index).toString() }));
  const rows: (readonly JsonValue[])[] = [];
  let bytes = 0;
  for (
    let chunk = await result.fetchChunk();
    chunk !== null && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    for (let index = 0; index < chunk.rowCount; index += 1) {
      if (rows.length >= limits.maxRows || bytes >= limits.maxBytes) {
        // An unfinished stream would keep its snapshot, and with it dropped tails, until the next query.
        await connection.run('SELECT 1');
        return { columns, rows, truncated: true, bytes };
      }
      const row = chunk.getRowValues(index).map(toJsonValue);
      bytes += approximateSize(row);
      rows.push(row);
      // The rows become values on the thread that also serves requests: it gets its turn in between.
      if (rows.length % 256 === 0) await setImmediate();
    }
  }
  return { columns, rows, truncated: false, bytes };
}

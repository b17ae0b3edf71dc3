import { scanSql, type AddFile, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import { toJsonValue, type JsonValue } from '@clicklake/query';
import type { DuckDBValue } from '@duckdb/node-api';
import type { Connections } from '../lake/connections.ts';

/** A row as JSON, and the values as DuckDB has them, by column. */
export interface TableRow {
  readonly json: Readonly<Record<string, JsonValue>>;
  readonly values: ReadonlyMap<string, DuckDBValue>;
}

/** Every row of a SELECT whose `$1`, `$2` … are bound to these values: no data becomes SQL text. */
export async function selectRows(
  connections: Connections,
  sql: string,
  values: readonly DuckDBValue[],
): Promise<readonly TableRow[]> {
  const reader = await connections.use((connection) => connection.runAndReadAll(sql, [...values]));
  const names = reader.columnNames();
  return reader.getRows().map((row): TableRow => ({
    json: Object.fromEntries(names.map((name, column) => [name, toJsonValue(row[column] ?? null)])),
    values: new Map(names.map((name, column) => [name, row[column] ?? null])),
  }));
}

/** A parenthesised SELECT over some files of a snapshot; `fileColumn` tells which file a row lies in. */
export function filesSql(
  table: DeltaTable,
  snapshot: Snapshot,
  files: readonly AddFile[],
  fileColumn?: string,
): string {
  return `(${scanSql(table.store, snapshot, files, fileColumn)})`;
}

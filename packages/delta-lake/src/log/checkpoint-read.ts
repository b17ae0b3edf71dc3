import type { DuckDBConnection } from '@duckdb/node-api';
import type { LogEntry } from './actions.ts';
import { parseExactJson } from './exact-json.ts';
import { addAction, corrupt, emptyEntry } from './log-entry.ts';
import type { CheckpointParts } from './log-files.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { textOf } from '../data-files/duckdb-rows.ts';
import { quoteFileName, quoteIdentifier } from '../data-files/sql-text.ts';

/** The fields that we take, of those that the checkpoint's writer chose to write. */
const wantedFields: Readonly<Record<string, readonly string[]>> = {
  protocol: ['minReaderVersion', 'minWriterVersion', 'readerFeatures', 'writerFeatures'],
  metaData: ['id', 'name', 'description', 'schemaString', 'partitionColumns', 'configuration', 'createdTime'],
  txn: ['appId', 'version', 'lastUpdated'],
  add: [
    'path',
    'partitionValues',
    'size',
    'modificationTime',
    'dataChange',
    'stats',
    'tags',
    'deletionVector',
  ],
  remove: ['path', 'deletionTimestamp', 'dataChange', 'partitionValues', 'size'],
};

/** A field that is never null in an action, so that a row's kind is seen by it. */
const markerField: Readonly<Record<string, string>> = {
  protocol: 'minReaderVersion',
  metaData: 'schemaString',
  txn: 'appId',
  add: 'path',
  remove: 'path',
};

/**
 * Reads a classic or multi-part checkpoint of any writer, streaming: rows become actions one by one.
 *
 * @throws DeltaError `delta-log-corrupt`; whatever DuckDB says when a part is gone or no Parquet.
 */
export async function readCheckpoint(
  store: ObjectStore,
  connection: DuckDBConnection,
  checkpoint: CheckpointParts,
): Promise<LogEntry> {
  const entry = emptyEntry();
  const what = `The checkpoint of version ${checkpoint.version}`;
  const source = `read_parquet([${checkpoint.keys.map((key) => quoteFileName(store.location(key))).join(', ')}], union_by_name = true)`;
  const present = await presentFields(connection, source);
  const query = checkpointQuery(source, present);
  if (query === '') throw corrupt(what, 'it has no column that we know');
  const result = await connection.stream(query);
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) break;
    for (const text of chunk.getColumnValues(0)) addAction(entry, parseExactJson(textOf(text)), what);
  }
  if (entry.protocol === undefined || entry.metadata === undefined)
    throw corrupt(what, 'it lacks protocol or metaData');
  return entry;
}

/** Every row as the JSON line that the log would have. */
function checkpointQuery(source: string, present: ReadonlyMap<string, ReadonlySet<string>>): string {
  const cases = Object.entries(wantedFields).flatMap(([action, wanted]) => {
    const fields = present.get(action);
    const marker = markerField[action];
    if (fields === undefined || marker === undefined || !fields.has(marker)) return [];
    const parts = wanted
      .filter((name) => fields.has(name) && !(action === 'add' && name === 'stats'))
      .map((name) => `${quoteIdentifier(name)} := ${action}.${quoteIdentifier(name)}`);
    if (action === 'add') parts.push(...statsField(fields));
    return [
      `WHEN ${action}.${quoteIdentifier(marker)} IS NOT NULL THEN '{"${action}":' || to_json(struct_pack(${parts.join(', ')}))::VARCHAR || '}'`,
    ];
  });
  if (cases.length === 0) return '';
  return `SELECT action FROM (SELECT CASE ${cases.join(' ')} END AS action FROM ${source}) WHERE action IS NOT NULL`;
}

/** Some tables keep statistics as columns only (`delta.checkpoint.writeStatsAsJson=false`). */
function statsField(fields: ReadonlySet<string>): string[] {
  const sources = [
    ...(fields.has('stats') ? ['add."stats"'] : []),
    ...(fields.has('stats_parsed') ? ['to_json(add."stats_parsed")::VARCHAR'] : []),
  ];
  return sources.length === 0 ? [] : [`"stats" := coalesce(${sources.join(', ')})`];
}

async function presentFields(
  connection: DuckDBConnection,
  source: string,
): Promise<Map<string, Set<string>>> {
  const columns = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`))
    .getRowsJson()
    .map((row) => textOf(row[0]));
  const present = new Map<string, Set<string>>();
  for (const action of columns.filter((name) => name in wantedFields)) {
    const fields = await connection.runAndReadAll(
      `SELECT column_name FROM (DESCRIBE SELECT unnest(${quoteIdentifier(action)}) FROM ${source})`,
    );
    present.set(action, new Set(fields.getRowsJson().map((row) => textOf(row[0]))));
  }
  return present;
}

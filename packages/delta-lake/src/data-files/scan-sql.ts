import type { AddFile } from '../log/actions.ts';
import { duckdbTypeOf } from '../schema/duckdb-types.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { partitionConstantSql, partitionGroupKey } from './partition-values.ts';
import { quoteIdentifier, quoteLiteral } from './sql-text.ts';
import type { Snapshot } from '../log/table-state.ts';

/**
 * A SELECT statement for DuckDB that reads the given files of a snapshot as the table's schema: partition
 * columns as constants, columns that a file does not have yet as null, no footer opened before it is needed.
 *
 * @param files the files to read; all of the snapshot's by default (see `pruneFiles`).
 */
export function scanSql(
  store: Pick<ObjectStore, 'location'>,
  snapshot: Pick<Snapshot, 'schema' | 'metadata' | 'files'>,
  files: Iterable<AddFile> = snapshot.files.values(),
): string {
  const { partitionColumns } = snapshot.metadata;
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const key = partitionGroupKey(partitionColumns, file.partitionValues);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  if (groups.size === 0) return emptySql(snapshot);
  const schema = readSchemaSql(snapshot);
  return [...groups.values()].map((group) => groupSql(store, snapshot, group, schema)).join('\nUNION ALL\n');
}

function groupSql(
  store: Pick<ObjectStore, 'location'>,
  snapshot: Pick<Snapshot, 'schema' | 'metadata'>,
  group: readonly AddFile[],
  schema: string,
): string {
  const values = group[0]?.partitionValues ?? {};
  const columns = snapshot.schema.fields.map((field) => {
    const identifier = quoteIdentifier(field.name);
    if (!snapshot.metadata.partitionColumns.includes(field.name)) return identifier;
    return `${partitionConstantSql(values[field.name] ?? null, field.type)} AS ${identifier}`;
  });
  const locations = group.map((file) => quoteLiteral(store.location(file.path)));
  return `SELECT ${columns.join(', ')} FROM read_parquet([${locations.join(', ')}], schema = ${schema})`;
}

/** DuckDB's own way to read files of several schemas by name without looking at all of them first. */
function readSchemaSql(snapshot: Pick<Snapshot, 'schema' | 'metadata'>): string {
  const entries = snapshot.schema.fields
    .filter((field) => !snapshot.metadata.partitionColumns.includes(field.name))
    .map((field) => {
      const name = quoteLiteral(field.name);
      return `${name}: {name: ${name}, type: ${quoteLiteral(duckdbTypeOf(field.type))}, default_value: NULL}`;
    });
  return `MAP {${entries.join(', ')}}`;
}

function emptySql(snapshot: Pick<Snapshot, 'schema'>): string {
  const columns = snapshot.schema.fields.map(
    (field) => `CAST(NULL AS ${duckdbTypeOf(field.type)}) AS ${quoteIdentifier(field.name)}`,
  );
  return `SELECT ${columns.join(', ')} WHERE false`;
}

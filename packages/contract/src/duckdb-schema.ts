import { eventFields, type EventField, type FieldType } from './event-fields.ts';

/** A column of a DuckDB table. */
export interface DuckdbColumn {
  readonly name: string;
  readonly type: string;
}

const duckdbTypes: Readonly<Record<FieldType | 'binary', string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  boolean: 'BOOLEAN',
  // With a time zone: plain TIMESTAMP would write Parquet's timestamp_ntz, which many engines refuse.
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  date: 'DATE',
  point: 'STRUCT(x BIGINT, y BIGINT)',
  binary: 'BLOB',
};

/** The DuckDB columns of a list of fields. */
export function duckdbColumnsOf(
  fields: readonly { readonly name: string; readonly type: FieldType | 'binary' }[],
): DuckdbColumn[] {
  return fields.map(({ name, type }) => ({ name, type: duckdbTypes[type] }));
}

/** Silver's columns in order. */
export const duckdbColumns: readonly DuckdbColumn[] = duckdbColumnsOf(eventFields);

function inRecord({ owner }: EventField): boolean {
  return owner !== 'ingest';
}

/**
 * The argument of `read_json(…, columns = …, format = 'newline_delimited')` that reads canonical RecordValue
 * lines into exactly the values they state.
 */
export const readJsonColumns = `{${duckdbColumnsOf(eventFields.filter(inRecord))
  .map(({ name, type }) => `${name}: '${type}'`)
  .join(', ')}}`;

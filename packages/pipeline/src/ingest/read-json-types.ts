import type { FieldType } from '@clicklake/contract';

/** The DuckDB type that `read_json` shall give to a field of a canonical record value. */
export function readJsonColumnType(type: FieldType): string {
  return types[type];
}

const types: Readonly<Record<FieldType, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
  point: 'STRUCT(x BIGINT, y BIGINT)',
};

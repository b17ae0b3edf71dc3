import { type DataType, decimalOf, isPrimitive, type StructType } from './schema.ts';
import { quoteIdentifier } from '../data-files/sql-text.ts';

const primitives: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  binary: 'BLOB',
  date: 'DATE',
  // TIMESTAMP would be written with isAdjustedToUTC=false, which is another Delta type, timestamp_ntz.
  timestamp: 'TIMESTAMPTZ',
  timestamp_ntz: 'TIMESTAMP',
};

/** The DuckDB type of a Delta type, as SQL text. */
export function duckdbTypeOf(type: DataType): string {
  if (isPrimitive(type)) {
    const decimal = decimalOf(type);
    return decimal === undefined
      ? (primitives[type] ?? type)
      : `DECIMAL(${decimal.precision},${decimal.scale})`;
  }
  switch (type.type) {
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${duckdbTypeOf(field.type)}`).join(', ')})`;
    case 'array':
      return `${duckdbTypeOf(type.elementType)}[]`;
    case 'map':
      return `MAP(${duckdbTypeOf(type.keyType)}, ${duckdbTypeOf(type.valueType)})`;
  }
}

/** `CREATE TABLE`'s column list for a schema. */
export function duckdbColumns(schema: StructType): string {
  return schema.fields
    .map((field) => `${quoteIdentifier(field.name)} ${duckdbTypeOf(field.type)}`)
    .join(', ');
}

const wideningsTo: Readonly<Record<string, readonly string[]>> = {
  SMALLINT: ['TINYINT', 'UTINYINT'],
  INTEGER: ['TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT'],
  BIGINT: ['TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT', 'INTEGER', 'UINTEGER'],
  DOUBLE: ['FLOAT', 'TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT', 'INTEGER', 'UINTEGER'],
  FLOAT: ['TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT'],
  VARCHAR: ['JSON'],
};

/** Whether every value of one DuckDB type is, unchanged, a value of the other. */
export function isLosslessCast(from: string, to: string): boolean {
  if (from === to || from === '"NULL"') return true;
  if (wideningsTo[to]?.includes(from) === true) return true;
  if (to === 'VARCHAR' && from.startsWith('ENUM(')) return true;
  const source = decimalOf(from.toLowerCase());
  const target = decimalOf(to.toLowerCase());
  if (source === undefined || target === undefined) return false;
  return source.scale <= target.scale && source.precision - source.scale <= target.precision - target.scale;
}

import { DuckDBMapValue } from '@duckdb/node-api';

/** A value that the statement makes a VARCHAR. */
export function textOf(value: unknown): string {
  if (typeof value !== 'string')
    throw new TypeError(`DuckDB answered ${typeof value} where the statement yields text.`);
  return value;
}

/** Entries of a MAP; null is empty. */
export function mapEntries(value: unknown): (readonly [unknown, unknown])[] {
  return value instanceof DuckDBMapValue
    ? value.entries.map(({ key, value: entry }) => [key, entry] as const)
    : [];
}

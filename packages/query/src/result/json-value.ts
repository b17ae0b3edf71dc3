import {
  DuckDBArrayValue,
  DuckDBBlobValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBUnionValue,
  type DuckDBValue,
} from '@duckdb/node-api';

/** What JSON can carry without loss. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * A DuckDB value as JSON:
 *
 * - integers of any width: a number when it is exact (|n| ≤ 2^53 − 1), else a string of digits;
 * - FLOAT, DOUBLE: a number, or `"NaN"`, `"Infinity"`, `"-Infinity"`;
 * - DECIMAL: a string, so that no digit is lost;
 * - TIMESTAMPTZ: ISO 8601 in UTC (`2026-01-02T03:04:05.678Z`), with six decimals when it has
 *   microseconds; TIMESTAMP the same without the `Z`; DATE, TIME, INTERVAL, UUID: DuckDB's text;
 * - BLOB: hexadecimal digits;
 * - LIST, ARRAY: an array; STRUCT: an object; MAP: an object when its keys are strings, else an array
 *   of `[key, value]`; UNION: the value it holds.
 */
export function toJsonValue(value: DuckDBValue): JsonValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return exactInteger(value);
  if (value instanceof DuckDBTimestampTZValue) return isoTimestamp(value.micros, 'Z') ?? value.toString();
  if (value instanceof DuckDBTimestampValue) return isoTimestamp(value.micros, '') ?? value.toString();
  if (value instanceof DuckDBListValue || value instanceof DuckDBArrayValue)
    return value.items.map(toJsonValue);
  if (value instanceof DuckDBStructValue) return jsonObject(Object.entries(value.entries));
  if (value instanceof DuckDBMapValue) return jsonMap(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString('hex');
  if (value instanceof DuckDBUnionValue) return toJsonValue(value.value);
  return value.toString();
}

function exactInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Undefined beyond the years that ISO 8601 writes with four digits, infinity included. */
function isoTimestamp(micros: bigint, zone: string): string | undefined {
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const belowMilli = micros - millis * 1000n;
  const date = new Date(Number(millis));
  if (Number.isNaN(date.getTime())) return undefined;
  const iso = date.toISOString();
  if (iso.length !== 24) return undefined;
  return iso.slice(0, 23) + (belowMilli === 0n ? '' : String(belowMilli).padStart(3, '0')) + zone;
}

function jsonMap({ entries }: DuckDBMapValue): JsonValue {
  const pairs = entries.map(({ key, value }) => [toJsonValue(key), toJsonValue(value)] as const);
  if (!pairs.every(([key]) => typeof key === 'string')) return pairs;
  return Object.fromEntries(pairs as [string, JsonValue][]);
}

/** fromEntries defines properties and never calls a setter, so a field may be named `__proto__`. */
function jsonObject(entries: readonly (readonly [string, DuckDBValue])[]): JsonValue {
  return Object.fromEntries(entries.map(([key, value]) => [key, toJsonValue(value)]));
}

/** About how many bytes `value` takes as JSON. */
export function approximateSize(value: JsonValue): number {
  if (typeof value === 'string') return value.length + 2;
  if (value === null || typeof value !== 'object') return 8;
  if (Array.isArray(value))
    return (value as readonly JsonValue[]).reduce<number>((sum, item) => sum + approximateSize(item), 2);
  return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + 3 + approximateSize(item), 2);
}

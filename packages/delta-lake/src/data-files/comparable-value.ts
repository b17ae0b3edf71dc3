import { decimalOf, type DataType } from '../schema/schema.ts';

/** A value as callers give it: numbers and bigints for numeric columns, texts for everything else. */
export type PredicateValue = string | number | bigint | boolean;

/** Orders two values; only values of one column's type are compared with each other. */
export type Comparable =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'text'; readonly value: Buffer };

/**
 * A value in the order that its type has: dates and timestamps as instants, texts by their UTF-8 bytes (which
 * differs from JavaScript's order), integers exactly.
 *
 * @returns undefined when the value is none of that type, or when the type has no order we know: nothing can
 *   then be concluded from it.
 */
export function comparable(value: PredicateValue | undefined, type: DataType): Comparable | undefined {
  if (value === undefined || typeof type !== 'string') return undefined;
  if (decimalOf(type) !== undefined) return decimalComparable(value, decimalOf(type)?.scale ?? 0);
  switch (type) {
    case 'string':
      return typeof value === 'string' ? { kind: 'text', value: Buffer.from(value) } : undefined;
    case 'long':
    case 'integer':
    case 'short':
    case 'byte':
      return integerComparable(value);
    case 'double':
      return numberComparable(Number(value));
    case 'float':
      return numberComparable(Math.fround(Number(value)));
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
        ? { kind: 'text', value: Buffer.from(value) }
        : undefined;
    case 'timestamp':
    case 'timestamp_ntz':
      return timestampComparable(value);
    case 'boolean':
      return numberComparable(
        value === true || value === 'true' ? 1 : value === false || value === 'false' ? 0 : NaN,
      );
    default:
      return undefined;
  }
}

/** Negative, zero or positive; undefined when the two cannot be compared. */
export function compareValues(left: Comparable, right: Comparable): number | undefined {
  if (left.kind === 'text' && right.kind === 'text') return Buffer.compare(left.value, right.value);
  if (left.kind === 'text' || right.kind === 'text') return undefined;
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
}

function integerComparable(value: PredicateValue): Comparable | undefined {
  if (typeof value === 'bigint') return { kind: 'integer', value };
  if (typeof value === 'string')
    return /^-?\d+$/.test(value) ? { kind: 'integer', value: BigInt(value) } : undefined;
  return typeof value === 'number' ? numberComparable(value) : undefined;
}

function numberComparable(value: number): Comparable | undefined {
  return Number.isNaN(value) ? undefined : { kind: 'number', value };
}

/** Unscaled: 1.5 of decimal(10,2) is 150. More digits than the scale has cannot be in the column, but round. */
function decimalComparable(value: PredicateValue, scale: number): Comparable | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value));
  if (match === null) return numberComparable(Number(value) * 10 ** scale);
  const [, sign = '', whole = '', fraction = ''] = match;
  if (fraction.length > scale) return numberComparable(Number(value) * 10 ** scale);
  const unscaled = BigInt(whole + fraction.padEnd(scale, '0'));
  return { kind: 'integer', value: sign === '-' ? -unscaled : unscaled };
}

/** Microseconds since the epoch. A text without a zone is UTC, as in partition values. */
function timestampComparable(value: PredicateValue): Comparable | undefined {
  if (typeof value !== 'string') return undefined;
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(value);
  if (match === null) return undefined;
  const [, date = '', time = '00:00:00', fraction = '', zone = 'Z'] = match;
  const offset = zone === 'Z' ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '').padEnd(2, '0')}`;
  const seconds = Date.parse(`${date}T${time}${offset}`);
  if (Number.isNaN(seconds)) return undefined;
  return { kind: 'integer', value: BigInt(seconds) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6)) };
}

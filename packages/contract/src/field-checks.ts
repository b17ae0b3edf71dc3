import type { EventField } from './event-fields.ts';
import { isRawJson, quoteJson, utf8Length } from './json-text.ts';
import { RejectedError } from './rejection.ts';
import { maxTimestampMs, minTimestampMs, parseTimestamp } from './timestamp.ts';

/**
 * The checks of single values (S2.1): each returns what the value says, or throws a RejectedError that names
 * the field. None coerces.
 */

function wrongType(field: string, wanted: string): RejectedError {
  return new RejectedError('wrong_type', field, `\`${field}\` must be ${wanted}.`);
}

/** The JSON text of a string field. */
export function checkText(field: EventField, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(field.name, 'a string');
  checkLength(field, value);
  return quoteJson(value, field.name);
}

function checkLength(field: EventField, text: string): void {
  const { name, minBytes = 0, maxBytes = Infinity } = field;
  // A UTF-16 unit is at least one byte and at most three: most texts need no counting.
  if (text.length < minBytes) throw new RejectedError('too_short', name, `\`${name}\` must not be empty.`);
  if (text.length * 3 > maxBytes && (text.length > maxBytes || utf8Length(text) > maxBytes)) {
    throw new RejectedError('too_long', name, `\`${name}\` must not exceed ${maxBytes} bytes.`);
  }
}

/** Whether the text would be accepted as this field. */
export function isValidText(field: EventField, value: unknown): value is string {
  try {
    checkText(field, value);
    return true;
  } catch {
    return false;
  }
}

/** The JSON text of one of the field's closed set of values. */
export function checkMember(field: EventField, texts: ReadonlyMap<unknown, string>, value: unknown): string {
  const text = texts.get(value);
  if (text !== undefined) return text;
  if (typeof value !== 'string') throw wrongType(field.name, 'a string');
  throw new RejectedError(
    'unknown_event_type',
    field.name,
    `\`${field.name}\` must be one of ${[...texts.keys()].join(', ')}.`,
  );
}

/** The JSON text of a whole number. 1.0 and 1e3 are whole numbers: JSON has only one kind. */
export function checkInteger(field: EventField, value: unknown, name = field.name): string {
  // A token that a double can't hold counts by the nearest double, as in every other JSON parser.
  const number = isRawJson(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw wrongType(name, 'a whole number');
  const { min = -Infinity, max = Infinity } = field;
  if (number < min || number > max) {
    throw new RejectedError('out_of_range', name, `\`${name}\` must be from ${min} to ${max}.`);
  }
  return `${number}`;
}

export function checkBoolean(field: EventField, value: unknown): string {
  if (typeof value !== 'boolean') throw wrongType(field.name, 'true or false');
  return value ? 'true' : 'false';
}

/** Milliseconds since the epoch of a time field. */
export function checkTimestamp(field: EventField, value: unknown): number {
  if (typeof value !== 'string') throw wrongType(field.name, 'a string: a time in ISO 8601 form');
  const ms = parseTimestamp(value);
  if (Number.isNaN(ms)) {
    throw new RejectedError(
      'timestamp_invalid',
      field.name,
      `\`${field.name}\` is not a time in ISO 8601 form.`,
    );
  }
  if (ms < minTimestampMs || ms > maxTimestampMs) {
    throw new RejectedError(
      'timestamp_out_of_range',
      field.name,
      `\`${field.name}\` must be from 1970 to 9999.`,
    );
  }
  return ms;
}

/** True for what JSON calls an object. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value);
}

export function checkObject(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) throw wrongType(name, 'an object');
  return value;
}

/** The JSON text of a point; members other than x and y go to `keep`. */
export function checkPoint(
  field: EventField,
  value: unknown,
  keep: (name: string, value: unknown) => void,
): string {
  const point = checkObject(field.name, value);
  for (const name in point) {
    if (name !== 'x' && name !== 'y') keep(`${field.name}.${name}`, point[name]);
  }
  const coordinate = (axis: 'x' | 'y'): string => {
    const name = `${field.name}.${axis}`;
    const given = Object.hasOwn(point, axis) ? (point[axis] ?? null) : null;
    if (given === null) throw new RejectedError('missing_field', name, `\`${name}\` is missing.`);
    return checkInteger(field, given, name);
  };
  return `{"x":${coordinate('x')},"y":${coordinate('y')}}`;
}

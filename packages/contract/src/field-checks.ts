import { isRawJson } from './exact-json.ts';
import { escapeJson, utf8Length } from './json-text.ts';
import type { Slot } from './record-slots.ts';
import { RejectedError } from './rejection.ts';
import { maxTimestampMs, minTimestampMs, parseTimestamp } from './timestamp.ts';

/**
 * The checks of single values (S2.1): each returns what the value says, or throws a RejectedError that names
 * the field. None coerces.
 */

function wrongType(field: string, wanted: string): RejectedError {
  return new RejectedError('wrong_type', field, `\`${field}\` must be ${wanted}.`);
}

/** What stands between the quotes in the JSON of a string field. */
export function checkText(slot: Slot, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(slot.name, 'a string');
  checkLength(slot, value);
  return escapeJson(value, slot.name);
}

function checkLength(slot: Slot, text: string): void {
  const { name, minBytes, maxBytes } = slot;
  // A UTF-16 unit is at least one byte and at most three: most texts need no counting.
  if (text.length < minBytes) throw new RejectedError('too_short', name, `\`${name}\` must not be empty.`);
  if (text.length * 3 > maxBytes && (text.length > maxBytes || utf8Length(text) > maxBytes)) {
    throw new RejectedError('too_long', name, `\`${name}\` must not exceed ${maxBytes} bytes.`);
  }
}

/** Whether the text would be accepted as this field. */
export function isValidText(slot: Slot, value: unknown): value is string {
  try {
    checkText(slot, value);
    return true;
  } catch {
    return false;
  }
}

/** One of the field's closed set of values, none of which JSON escapes. */
export function checkMember(slot: Slot, value: unknown): string {
  if (typeof value !== 'string') throw wrongType(slot.name, 'a string');
  if (slot.values.has(value)) return value;
  throw new RejectedError(
    'unknown_event_type',
    slot.name,
    `\`${slot.name}\` must be one of ${[...slot.values].join(', ')}.`,
  );
}

/** The JSON text of a whole number. 1.0 and 1e3 are whole numbers: JSON has only one kind. */
export function checkInteger(slot: Slot, value: unknown, name: string): string {
  // A token that a double can't hold counts by the nearest double, as in every other JSON parser.
  const number = typeof value === 'object' && isRawJson(value) ? Number(value.rawJSON) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) throw wrongType(name, 'a whole number');
  const { min, max } = slot;
  if (number < min || number > max) {
    throw new RejectedError('out_of_range', name, `\`${name}\` must be from ${min} to ${max}.`);
  }
  return `${number}`;
}

export function checkBoolean(slot: Slot, value: unknown): string {
  if (typeof value !== 'boolean') throw wrongType(slot.name, 'true or false');
  return value ? 'true' : 'false';
}

/** Milliseconds since the epoch of a time field. */
export function checkTimestamp(slot: Slot, value: unknown): number {
  if (typeof value !== 'string') throw wrongType(slot.name, 'a string: a time in ISO 8601 form');
  const ms = parseTimestamp(value);
  if (Number.isNaN(ms)) {
    throw new RejectedError(
      'timestamp_invalid',
      slot.name,
      `\`${slot.name}\` is not a time in ISO 8601 form.`,
    );
  }
  if (ms < minTimestampMs || ms > maxTimestampMs) {
    throw new RejectedError(
      'timestamp_out_of_range',
      slot.name,
      `\`${slot.name}\` must be from 1970 to 9999.`,
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

export function checkProperties(value: unknown): Readonly<Record<string, unknown>> {
  return checkObject('properties', value);
}

/** The JSON text of a point; members other than x and y go to `keep`. */
export function checkPoint(slot: Slot, value: unknown, keep: (name: string, value: unknown) => void): string {
  const point = checkObject(slot.name, value);
  for (const name in point) {
    if (name !== 'x' && name !== 'y') keep(`${slot.name}.${name}`, point[name]);
  }
  const coordinate = (axis: 'x' | 'y'): string => {
    const name = `${slot.name}.${axis}`;
    const given = Object.hasOwn(point, axis) ? (point[axis] ?? null) : null;
    if (given === null) throw new RejectedError('missing_field', name, `\`${name}\` is missing.`);
    return checkInteger(slot, given, name);
  };
  return `{"x":${coordinate('x')},"y":${coordinate('y')}}`;
}

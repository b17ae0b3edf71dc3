import type { CastType, Change, FieldPath } from './change.ts';

type Members = Readonly<Record<string, unknown>>;

/**
 * An event with changes made to it one after another; the event itself stays as it is. A change of a field that is
 * not there changes nothing, and a value that cannot be cast stays: the contract then says what is wrong with it.
 *
 * @throws UnmendableError when a field would lie within something that is no object
 */
export function applyChanges(event: Members, changes: readonly Change[]): Members {
  return changes.reduce(applyChange, event);
}

/** Why an event cannot be changed as asked. */
export class UnmendableError extends Error {}

function applyChange(event: Members, change: Change): Members {
  const { path } = change;
  switch (change.op) {
    case 'set':
      return withValue(event, path, change.value);
    case 'unset':
      return without(event, path);
    case 'copy': {
      const value = valueAt(event, change.from);
      return value === undefined ? event : withValue(event, path, value);
    }
    case 'rename': {
      const value = valueAt(event, path);
      return value === undefined ? event : withValue(without(event, path), change.to, value);
    }
    case 'cast': {
      const value = valueAt(event, path);
      return value === undefined ? event : withValue(event, path, cast(value, change.to));
    }
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own members only: a field may be called `constructor` or `__proto__`. */
function memberOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function valueAt(event: Members, path: FieldPath): unknown {
  return path.reduce<unknown>(memberOf, event);
}

function withMember(members: Members, name: string, value: unknown): Members {
  return Object.defineProperty({ ...members }, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function withValue(members: Members, [name = '', ...inner]: FieldPath, value: unknown): Members {
  if (inner.length === 0) return withMember(members, name, value);
  const own = memberOf(members, name) ?? {};
  if (!isObject(own)) throw new UnmendableError(`"${name}" is no object that a field could be set in.`);
  return withMember(members, name, withValue(own, inner, value));
}

function without(members: Members, [name = '', ...inner]: FieldPath): Members {
  if (inner.length === 0) {
    const rest = { ...members };
    Reflect.deleteProperty(rest, name);
    return rest;
  }
  const own = memberOf(members, name);
  return isObject(own) ? withMember(members, name, without(own, inner)) : members;
}

/** Longer texts are no numbers that anybody meant. */
const longestNumber = 40;
const decimal = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function cast(value: unknown, to: CastType): unknown {
  switch (to) {
    case 'text':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    case 'boolean':
      if (value === 1 || (typeof value === 'string' && ['true', '1'].includes(value.toLowerCase())))
        return true;
      if (value === 0 || (typeof value === 'string' && ['false', '0'].includes(value.toLowerCase())))
        return false;
      return value;
    case 'number':
      return numberOf(value) ?? value;
    case 'integer': {
      const number = numberOf(value);
      return number === undefined
        ? value
        : Number.isSafeInteger(Math.round(number))
          ? Math.round(number)
          : value;
    }
    case 'time':
      return timeOf(value) ?? value;
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (text.length > longestNumber || !decimal.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** Seconds of the years up to 5138; as milliseconds they are before April 1973. */
const firstMilliseconds = 100_000_000_000;
const lastTime = 253_402_300_799_999;

/** Seconds or milliseconds since the epoch, as the ISO 8601 text that the contract takes. */
function timeOf(value: unknown): string | undefined {
  const number = numberOf(value);
  if (number === undefined || number < 0) return undefined;
  const ms = Math.trunc(number < firstMilliseconds ? number * 1000 : number);
  return ms <= lastTime ? new Date(ms).toISOString() : undefined;
}

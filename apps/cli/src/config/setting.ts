import { parseSchedule, scheduleText, type Schedule } from '@clicklake/pipeline/schedule';
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts';

/** One thing that may be configured: what it takes, and how it is written in a file, a variable or a flag. */
export interface Setting<T> {
  readonly description: string;
  /** Unless it is the default's: `CLICKLAKE_` and the key in capitals. */
  readonly env?: string;
  /** The option that sets it besides `--set key=value`. */
  readonly flag?: string;
  readonly defaultValue: T;
  /** What values look like, for the error message. */
  readonly takes: string;
  /** From TOML (any type) or from text; undefined when it does not fit. */
  readonly parse: (value: unknown) => T | undefined;
  /** As it would stand in the file. */
  readonly format: (value: T) => string;
  /** Not to be shown as it is, by whatever command. */
  readonly secret?: boolean;
}

type Description<T> = Pick<Setting<T>, 'description' | 'env' | 'flag' | 'defaultValue'>;

export function text(given: Description<string>): Setting<string> {
  return {
    ...given,
    takes: 'text',
    parse: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
    format: (value) => JSON.stringify(value),
  };
}

export function texts(given: Description<readonly string[]>): Setting<readonly string[]> {
  return {
    ...given,
    takes: 'a list of texts (in a variable: separated by commas)',
    parse(value) {
      const list = typeof value === 'string' ? value.split(',').filter((item) => item !== '') : value;
      const isList = Array.isArray(list) && list.every((item) => typeof item === 'string');
      return isList ? list : undefined;
    },
    format: (value) => JSON.stringify(value),
  };
}

export function flag(given: Description<boolean>): Setting<boolean> {
  return {
    ...given,
    takes: 'true or false',
    parse: (value) =>
      value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined,
    format: String,
  };
}

export function wholeNumber(
  given: Description<number> & { readonly min: number; readonly max: number },
): Setting<number> {
  const { min, max, ...rest } = given;
  return numberWithin(rest, `a whole number from ${min} to ${max}`, (value) => {
    return Number.isInteger(value) && value >= min && value <= max;
  });
}

export function positiveNumber(given: Description<number>): Setting<number> {
  return numberWithin(given, 'a number above 0', (value) => value > 0 && Number.isFinite(value));
}

function numberWithin(
  given: Description<number>,
  takes: string,
  fits: (value: number) => boolean,
): Setting<number> {
  return {
    ...given,
    takes,
    parse(value) {
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      return typeof number === 'number' && fits(number) ? number : undefined;
    },
    format: String,
  };
}

/** Milliseconds. */
export function duration(given: Description<number>): Setting<number> {
  return {
    ...given,
    takes: 'a duration such as "250ms", "10s", "12h" or "7d"',
    parse: (value) => (typeof value === 'string' ? parseDuration(value) : undefined),
    format: (value) => JSON.stringify(formatDuration(value)),
  };
}

/** Milliseconds; Infinity, written `none`, is for ever. */
export function retention(given: Description<number>): Setting<number> {
  return {
    ...given,
    takes: 'a duration of a day or more such as "90d", or "none"',
    parse(value) {
      if (value === 'none') return Infinity;
      const ms = typeof value === 'string' ? parseDuration(value) : undefined;
      return ms !== undefined && ms >= 86_400_000 ? ms : undefined;
    },
    format: (value) => JSON.stringify(value === Infinity ? 'none' : formatDuration(value)),
  };
}

/** When a job begins by itself. */
export function schedule(given: Description<Schedule>): Setting<Schedule> {
  return {
    ...given,
    takes: '"after-commits", "off", or a cron expression in UTC such as "30 3 * * *"',
    parse: (value) => (typeof value === 'string' ? parseSchedule(value) : undefined),
    format: (value) => JSON.stringify(scheduleText(value)),
  };
}

/** An address to call, which may hold a secret: only its host is ever shown. null, written `none`, is none. */
export function callbackUrl(given: Description<string | null>): Setting<string | null> {
  return {
    ...given,
    takes: 'an http:// or https:// URL without a user in it, or "none"',
    parse(value) {
      if (value === 'none' || value === '') return null;
      if (typeof value !== 'string' || value.length > 2000 || !URL.canParse(value)) return undefined;
      const { protocol, username, password } = new URL(value);
      // `fetch` takes none with credentials.
      return ['http:', 'https:'].includes(protocol) && username === '' && password === '' ? value : undefined;
    },
    format: (value) => JSON.stringify(value === null ? 'none' : `${new URL(value).origin}/…`),
    secret: true,
  };
}

/** Bytes; Infinity, written `none`, is no limit, unless there is a largest. */
export function size(given: Description<number> & { readonly max?: number }): Setting<number> {
  const { max = Infinity, ...rest } = given;
  return {
    ...rest,
    takes:
      max === Infinity
        ? 'a size such as "64MB" or "2GB", or "none"'
        : `a size such as "4MB", at most "${formatSize(max)}"`,
    parse(value) {
      if (typeof value !== 'string') return undefined;
      const bytes = value === 'none' ? Infinity : parseSize(value);
      return bytes !== undefined && bytes <= max ? bytes : undefined;
    },
    format: (value) => JSON.stringify(value === Infinity ? 'none' : formatSize(value)),
  };
}

import { InvalidArgumentError } from 'commander';

/** Parsers of arguments and options; what they throw, commander prints with the option's name. */

export function count(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (/^[\d_]+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It is a whole number.');
}

export function positiveCount(text: string): number {
  const value = count(text);
  if (value > 0) return value;
  throw new InvalidArgumentError('It is a whole number above 0.');
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It is a number above 0.');
}

/** A share of all: 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It is a share from 0 to 1, as 0.05.');
}

/** ISO 8601; milliseconds since the epoch. */
export function instant(text: string): number {
  const value = Date.parse(text);
  if (!Number.isNaN(value)) return value;
  throw new InvalidArgumentError('It is a time as 2026-01-31T12:00:00Z.');
}

export function columnList(text: string): string[] {
  return text.split(',').map((name) => name.trim());
}

/** `key=value`, gathered. */
export function assignment(
  text: string,
  previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is key=value, as ingest.commit_interval=5s.');
  return { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
}

export function repeated(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

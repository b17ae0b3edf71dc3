import type { JsonValue } from '../result/json-value.ts';

/** A value as one line of text: strings as they are, nested values as JSON, NULL as `null`. */
export function cellText(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Whether values of this DuckDB type stand at the right of their column. */
export function isNumericType(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(type);
}

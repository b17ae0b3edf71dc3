import type { QueryResult } from '../result/query-result.ts';
import { escapeControlsInJson } from './display-width.ts';

/** The whole result as one line of JSON; a version beyond 2^53 is a string of digits. */
export function formatJson(result: QueryResult): string {
  const json = JSON.stringify(result, (_key, value: unknown) => {
    if (typeof value !== 'bigint') return value;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  });
  return `${escapeControlsInJson(json)}\n`;
}

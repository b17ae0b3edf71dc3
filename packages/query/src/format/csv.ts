import type { QueryResult } from '../result/query-result.ts';
import { cellText } from './cell.ts';
import { escapeControls } from './display-width.ts';

export interface CsvOptions {
  /** Set it when the text goes to a terminal; a file gets the characters as they are. */
  readonly escapeControls?: boolean | undefined;
}

/**
 * The result as CSV (RFC 4180): a header, lines that end in CRLF, fields quoted where needed. NULL is
 * an empty field, the empty string is `""`, and nested values are JSON.
 */
export function formatCsv(
  { columns, rows }: Pick<QueryResult, 'columns' | 'rows'>,
  options: CsvOptions = {},
): string {
  const escape = options.escapeControls === true ? escapeControls : (text: string): string => text;
  const header = columns.map(({ name }) => field(escape(name)));
  const lines = rows.map((row) => row.map((value) => (value === null ? '' : field(escape(cellText(value))))));
  return [header, ...lines].map((fields) => `${fields.join(',')}\r\n`).join('');
}

function field(text: string): string {
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import type { QueryResult } from '../result/query-result.ts';
import { cellText, isNumericType } from './cell.ts';
import { displayWidth, escapeControls, truncateToWidth } from './display-width.ts';

/** Narrower than this a column tells nothing; then each row becomes a block of lines. */
const narrowestColumn = 6;
const separatorWidth = 3;

/**
 * The result as a table for people. No line is wider than `width` columns of the terminal (no limit
 * when it is not given): wide cells end in `…`; with too many columns each row is a block of
 * `name │ value` lines. Data cannot drive the terminal: control characters are shown as escapes.
 */
export function formatTable(result: QueryResult, width = Number.POSITIVE_INFINITY): string {
  const names = result.columns.map(({ name }) => escapeControls(name));
  const cells = result.rows.map((row) => row.map((value) => escapeControls(cellText(value))));
  const fits = names.length * (narrowestColumn + separatorWidth) - 1 <= width;
  const lines = fits ? grid(result, names, cells, width) : records(names, cells, width);
  return [...lines, truncateToWidth(summary(result), width), ''].join('\n');
}

type Cells = readonly (readonly string[])[];

function grid(result: QueryResult, names: readonly string[], cells: Cells, width: number): string[] {
  const wanted = names.map((name, column) =>
    cells.reduce(
      (widest, row) => Math.max(widest, displayWidth(row[column] ?? '')),
      Math.max(1, displayWidth(name)),
    ),
  );
  const widths = shrink(wanted, width - names.length * separatorWidth + 1);
  const rightAligned = result.columns.map(({ type }) => isNumericType(type));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => ` ${pad(cell, widths[column] ?? 0, rightAligned[column] === true)}`)
      .join(' │')
      .trimEnd();
  const rule = widths.map((columnWidth) => '─'.repeat(columnWidth + 2)).join('┼');
  return [line(names), truncateToWidth(rule, width), ...cells.map(line)];
}

/** Takes from the widest columns until all fit into `available`. */
function shrink(wanted: readonly number[], available: number): readonly number[] {
  const total = wanted.reduce((sum, width) => sum + width, 0);
  if (total <= available) return wanted;
  let low = 1;
  let high = Math.max(...wanted);
  while (low < high) {
    const cap = Math.ceil((low + high) / 2);
    const capped = wanted.reduce((sum, width) => sum + Math.min(width, cap), 0);
    if (capped <= available) low = cap;
    else high = cap - 1;
  }
  return wanted.map((width) => Math.min(width, low));
}

function pad(cell: string, width: number, right: boolean): string {
  const shown = truncateToWidth(cell, width);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return right ? blanks + shown : shown + blanks;
}

function records(names: readonly string[], cells: Cells, width: number): string[] {
  const nameWidth = Math.min(
    Math.max(...names.map(displayWidth)),
    Math.max(1, Math.floor(width / 2) - separatorWidth),
  );
  return cells.flatMap((row, index) => [
    truncateToWidth(`── row ${index + 1} ──`, width),
    ...row.map((cell, column) =>
      truncateToWidth(`${pad(names[column] ?? '', nameWidth, false)} │ ${cell}`, width).trimEnd(),
    ),
  ]);
}

function summary({ rowCount, truncated, elapsedMs }: QueryResult): string {
  const rows = rowCount === 1 ? '1 row' : `${rowCount} rows`;
  return `(${rows}${truncated ? ', and more left out' : ''}, ${Math.round(elapsedMs)} ms)`;
}

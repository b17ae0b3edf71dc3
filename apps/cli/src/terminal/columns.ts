import { escapeControls } from '@clicklake/query';

/** Rows as aligned columns: numbers to the right, no frame. Control characters of the data are escaped. */
export function alignColumns(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : escapeControls(cell))),
  );
  const widths = header.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => (row[column] ?? '').length)),
  );
  const isNumeric = header.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return [line(header), ...cells.map(line)];
}

/** 1234567 → 1,234,567 */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US');
}

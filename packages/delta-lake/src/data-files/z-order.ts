import { DeltaError } from '../delta-error.ts';
import { quoteIdentifier } from './sql-text.ts';

/** 2^10 ranges a column: as fine as the files of one bin can use. */
const bitsPerColumn = 10;
/** The curve's position has to fit a BIGINT. */
const mostColumns = 6;

/**
 * A SELECT in the order of a Z-curve. Each column's values are cut into equally full ranges, so that skew does
 * not matter, and the bits of the range numbers are interleaved: rows close in every column come close together.
 *
 * @throws DeltaError `delta-invalid-argument` for none or more than six columns.
 */
export function zOrderedQuery(selectList: string, select: string, columns: readonly string[]): string {
  if (columns.length === 0 || columns.length > mostColumns) {
    throw new DeltaError({
      code: 'delta-invalid-argument',
      message: `Z-order takes one to ${mostColumns} columns, not ${columns.length}.`,
      hint: 'Name the columns that queries filter by most; each further one weakens the others.',
    });
  }
  const ranges = columns.map(
    (name, index) =>
      `ntile(${2 ** bitsPerColumn}) OVER (ORDER BY ${quoteIdentifier(name)} NULLS FIRST) - 1 AS ${rangeName(index)}`,
  );
  const bits = columns.flatMap((_, index) =>
    Array.from(
      { length: bitsPerColumn },
      (__, bit) => `(((${rangeName(index)} >> ${bit}) & 1) << ${bit * columns.length + index})`,
    ),
  );
  return `SELECT ${selectList} FROM (SELECT *, ${ranges.join(', ')} FROM (${select})) ORDER BY ${bits.join(' | ')}`;
}

/** No column of a table can have this name: a space needs column mapping. */
function rangeName(index: number): string {
  return quoteIdentifier(`z order ${index}`);
}

/** How much a refresh does at once. */
export interface RefreshLimits {
  /** More rows than this are made in pieces. */
  readonly rowsPerPiece: number;
  /** Of more new rows than this every row of their dates is made anew, without a look for those that differ. */
  readonly mostNewRows: number;
  /** Models that are made side by side: more than two would take the processors from ingest. */
  readonly stepsAtOnce: number;
}

/** What needs more memory in pieces of so few rows does not become smaller with them. */
const fewestRowsPerPiece = 10_000;

export function limitsFor(rowsPerPiece: number): RefreshLimits {
  return { rowsPerPiece, mostNewRows: rowsPerPiece, stepsAtOnce: 2 };
}

/**
 * What to try once that much has outgrown the memory: first one model after another, then without the way for few new
 * rows, whose users may have any number of rows, then smaller pieces. Undefined: there is nothing less. Pieces stay as
 * large as they can, since each reads its dates whole.
 */
export function lowered({
  rowsPerPiece,
  mostNewRows,
  stepsAtOnce,
}: RefreshLimits): RefreshLimits | undefined {
  if (stepsAtOnce > 1) return { rowsPerPiece: partOf(rowsPerPiece, 2), mostNewRows, stepsAtOnce: 1 };
  if (mostNewRows > 0) return { rowsPerPiece, mostNewRows: 0, stepsAtOnce };
  if (rowsPerPiece <= fewestRowsPerPiece) return undefined;
  return { rowsPerPiece: partOf(rowsPerPiece, 4), mostNewRows, stepsAtOnce };
}

function partOf(rowsPerPiece: number, parts: number): number {
  return Math.min(rowsPerPiece, Math.max(fewestRowsPerPiece, Math.floor(rowsPerPiece / parts)));
}

/**
 * After a refresh that fitted: pieces of twice as much next time, and at last models side by side, up to what it began
 * with. The way for few new rows at once: without it a date of many rows would be made anew each time.
 */
export function raised({ rowsPerPiece }: RefreshLimits, most: RefreshLimits): RefreshLimits {
  return {
    rowsPerPiece: Math.min(most.rowsPerPiece, 2 * rowsPerPiece),
    mostNewRows: most.mostNewRows,
    stepsAtOnce: rowsPerPiece >= most.rowsPerPiece ? most.stepsAtOnce : 1,
  };
}

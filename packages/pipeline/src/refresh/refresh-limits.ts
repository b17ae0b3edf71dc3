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
 * rows, whose users may have any number of rows. Undefined: there is nothing less.
 */
export function lowered({
  rowsPerPiece,
  mostNewRows,
  stepsAtOnce,
}: RefreshLimits): RefreshLimits | undefined {
  if (mostNewRows === 0 && rowsPerPiece <= fewestRowsPerPiece) return undefined;
  const fewer = Math.min(rowsPerPiece, Math.max(fewestRowsPerPiece, Math.floor(rowsPerPiece / 4)));
  return {
    rowsPerPiece: fewer,
    mostNewRows: stepsAtOnce > 1 ? Math.min(mostNewRows, fewer) : 0,
    stepsAtOnce: 1,
  };
}

/** After a refresh that fitted: twice as much next time, up to what it began with. */
export function raised({ rowsPerPiece, mostNewRows }: RefreshLimits, most: RefreshLimits): RefreshLimits {
  const more = Math.min(most.rowsPerPiece, 2 * rowsPerPiece);
  return {
    rowsPerPiece: more,
    mostNewRows: Math.min(most.mostNewRows, Math.max(2 * mostNewRows, fewestRowsPerPiece)),
    stepsAtOnce: more === most.rowsPerPiece ? most.stepsAtOnce : 1,
  };
}

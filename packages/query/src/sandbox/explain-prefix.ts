/** EXPLAIN taken off a statement: `json_serialize_sql` gives a tree for a SELECT only. */
export interface ExplainPrefix {
  /** What to put before the explained statement again; empty when the text is not an EXPLAIN. */
  readonly prefix: '' | 'EXPLAIN ' | 'EXPLAIN ANALYZE ';
  /** The explained statement, with blanks in front so that positions stay as the user counts them. */
  readonly statement: string;
}

/**
 * Splits `EXPLAIN [ANALYZE]` from what it explains. What it doesn't recognise it leaves alone, and the
 * parser then refuses the whole.
 */
export function splitExplain(sql: string): ExplainPrefix {
  const explain = keywordAt(sql, skipTrivia(sql, 0), 'explain');
  if (explain === undefined) return { prefix: '', statement: sql };
  const analyze = keywordAt(sql, skipTrivia(sql, explain), 'analyze');
  const end = analyze ?? explain;
  return {
    prefix: analyze === undefined ? 'EXPLAIN ' : 'EXPLAIN ANALYZE ',
    statement: sql.slice(0, end).replace(/[^\n]/g, ' ') + sql.slice(end),
  };
}

function keywordAt(sql: string, start: number, keyword: string): number | undefined {
  const end = start + keyword.length;
  if (sql.slice(start, end).toLowerCase() !== keyword) return undefined;
  return /^[\p{L}\p{N}_$]/u.test(sql.slice(end, end + 2)) ? undefined : end;
}

/** The first position from `start` that is neither blank nor inside a comment. */
function skipTrivia(sql: string, start: number): number {
  let at = start;
  for (;;) {
    const blank = /^(?:[ \t\r\n\f\v]+|--[^\n\r]*)/.exec(sql.slice(at));
    if (blank !== null) at += blank[0].length;
    else if (sql.startsWith('/*', at)) at = endOfComment(sql, at);
    else return at;
  }
}

/** Block comments nest, as in PostgreSQL. An open one runs to the end. */
function endOfComment(sql: string, start: number): number {
  let depth = 0;
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return sql.length;
}

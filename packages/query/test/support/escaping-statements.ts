/** The innermost text of 1,000 characters, doubled by each of 30 subqueries: a terabyte. */
const doubled = Array.from({ length: 30 }).reduce<string>(
  (inner) => `SELECT s || s AS s FROM (${inner})`,
  "SELECT repeat('x', 1000) AS s",
);

/** Statements that the judge allows and whose values DuckDB doesn't count against its memory limit. */
export const escapingStatements = {
  'a chain of subqueries': `SELECT length(s) FROM (${doubled})`,
  'a lambda that returns a captured list':
    'SELECT len(list_transform(l, lambda x: l)) FROM (SELECT list(i) AS l FROM range(200000) t(i))',
} as const;

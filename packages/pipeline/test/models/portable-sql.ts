/**
 * What DuckDB, Spark and Trino share, of the SQL that our models are written in. A linter and no parser: it looks at
 * words outside of texts and comments.
 */

/** Functions of every dialect with one meaning; of `least` as long as no argument is null, of which Trino makes null. */
const shared = [
  ...['count', 'sum', 'min', 'max', 'coalesce', 'nullif', 'least', 'cast', 'lag', 'lead', 'row_number'],
];
/** What the dispatched macros put in. */
const dispatched = {
  spark: ['unix_millis', 'hour', 'mod', 'crc32'],
  trino: ['date_diff', 'hour', 'mod', 'crc32', 'to_utf8'],
} as const;
/** Words before a parenthesis that are no functions. */
const keywords = [
  ...[
    'and',
    'as',
    'by',
    'exists',
    'filter',
    'from',
    'in',
    'join',
    'not',
    'on',
    'or',
    'over',
    'select',
    'union',
    'all',
  ],
  ...['when', 'where', 'then', 'else'],
];
const types = {
  spark: ['bigint', 'double', 'date', 'timestamp', 'varchar'],
  trino: ['bigint', 'double', 'date', 'timestamp with time zone', 'varchar'],
} as const;

/** Each with the reason, as the reference of the three dialects has it. */
const refused: readonly (readonly [RegExp, string])[] = [
  [/\bqualify\b/, 'Trino has no QUALIFY'],
  [/::/, 'only DuckDB and Spark have ::'],
  [/->/, 'JSON operators: models use columns'],
  [/\bilike\b/, 'Trino has no ILIKE'],
  [/\bat time zone\b/, 'no time zone but UTC'],
  [/\bdistinct on\b/, 'only DuckDB has DISTINCT ON'],
  [/\bgroup by all\b|\border by all\b/, 'Trino has no GROUP BY ALL'],
  [/\bignore nulls\b/, 'IGNORE NULLS stands in other places'],
  [/\bexclude\b|\breplace\b/, 'only DuckDB has them after *'],
  [/"/, 'Spark takes double quotes for a text'],
  [/\/\//, 'only DuckDB has //'],
  [/\busing\b/, 'columns of USING are named apart'],
  [/\binterval '[^']*[a-z][^']*'/, "Trino wants interval '30' minute"],
  [/\binterval (?!')/, "Trino wants interval '30' minute"],
];

/** What is not shared in a statement; empty when all is. */
export function portabilityProblems(sql: string, dialect: 'spark' | 'trino'): readonly string[] {
  const plain = withoutComments(sql).toLowerCase();
  const problems = refused.flatMap(([pattern, reason]) => (pattern.test(plain) ? [reason] : []));
  const words = plain.replaceAll(/'[^']*'/g, "''");
  const known = new Set([...shared, ...dispatched[dialect], ...keywords, ...commonTables(words)]);
  for (const [, name = ''] of words.matchAll(/\b([a-z_][a-z0-9_]*)\s*\(/g))
    if (!known.has(name)) problems.push(`the function ${name}`);
  for (const type of castTypes(words))
    if (!(types[dialect] as readonly string[]).includes(type)) problems.push(`the type ${type}`);
  // S2.2: one division of two exact integers, and so never an integer one.
  const divisions = words.split('/').length - 1;
  const exact = words.match(/\bas double\) \/ cast\(nullif\(/g)?.length ?? 0;
  if (divisions !== exact) problems.push('a division that is not that of two doubles made of integers');
  return problems;
}

function withoutComments(sql: string): string {
  return sql.replaceAll(/--[^\n]*/g, '').replaceAll(/\/\*[\s\S]*?\*\//g, '');
}

/** `name (column, …) as (`, and `name as (`. */
function commonTables(words: string): readonly string[] {
  return [...words.matchAll(/\b([a-z_]+) \([a-z_, ]+\) as \(/g)].map(([, name = '']) => name);
}

/** What stands between the last AS of each CAST and its closing parenthesis. */
function castTypes(words: string): readonly string[] {
  return [...words.matchAll(/\bcast\(/g)].map(({ index }) => {
    let depth = 1;
    let end = index + 'cast('.length;
    for (; depth > 0 && end < words.length; end += 1)
      depth += words[end] === '(' ? 1 : words[end] === ')' ? -1 : 0;
    const inner = words.slice(index, end - 1);
    return inner.slice(inner.lastIndexOf(' as ') + ' as '.length).trim();
  });
}

/** Quoting for DuckDB SQL: user data becomes text in a statement only through these. */

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteLiteral(text: string): string {
  if (text.includes('\0'))
    return `(${text
      .split('\0')
      .map((part) => quoteLiteral(part))
      .join(' || chr(0) || ')})`;
  return `'${text.replaceAll("'", "''")}'`;
}

/** A file's name for DuckDB's table functions, which would take `*`, `?` and `[` in it for a pattern. */
export function quoteFileName(path: string): string {
  return quoteLiteral(path.replace(/[*?[]/g, '[$&]'));
}

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

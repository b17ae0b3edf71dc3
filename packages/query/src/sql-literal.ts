/** `name` as a quoted SQL identifier, whatever characters it has. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `value` as a SQL literal. */
export function quoteLiteral(value: string | number | bigint): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${value} is not an integer that SQL text can carry exactly.`);
  }
  return value.toString();
}

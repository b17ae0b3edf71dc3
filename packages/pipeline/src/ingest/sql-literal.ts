/** A SQL string literal. Only for texts of our own making (paths, settings): user data goes in as values. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

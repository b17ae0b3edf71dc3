/**
 * A node of DuckDB's syntax tree, as `json_serialize_sql` gives it. Expressions have a `class`;
 * queries, table references and modifiers have only a `type`.
 */
export interface SyntaxNode {
  readonly [field: string]: unknown;
  readonly class?: string;
  readonly type?: unknown;
}

export function isSyntaxNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Expression classes that can occur in a statement without parameters. */
export const expressionClasses: ReadonlySet<string> = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
  'POSITIONAL_REFERENCE',
  'STAR',
  'SUBQUERY',
  'WINDOW',
]);

/** Queries, table references and modifiers that the judge knows; anything else is refused. */
export const nodeTypes: ReadonlySet<string> = new Set([
  'SELECT_NODE',
  'SET_OPERATION_NODE',
  'RECURSIVE_CTE_NODE',
  'CTE_NODE',
  'BASE_TABLE',
  'EMPTY',
  'EXPRESSION_LIST',
  'JOIN',
  'PIVOT',
  'SHOW_REF',
  'SUBQUERY',
  'TABLE_FUNCTION',
  'DISTINCT_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'ORDER_MODIFIER',
  'ASCENDING',
  'DESCENDING',
  'ORDER_DEFAULT',
]);

/** Where a statement met `node`, as a character offset, when DuckDB kept it. */
export function locationOf(node: SyntaxNode): number | undefined {
  const location = node.query_location;
  // DuckDB writes its "unknown" as 2^64 - 1.
  return typeof location === 'number' && location < 2 ** 32 ? location : undefined;
}

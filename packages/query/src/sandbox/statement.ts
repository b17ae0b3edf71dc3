import type { DuckDBConnection } from '@duckdb/node-api';

import { notAllowed, QueryError } from '../query-error.ts';
import { splitExplain } from './explain-prefix.ts';
import { judgeSyntaxTree, type TableReference } from './judge.ts';

/** One statement that may run, as soon as its tables are known to be the pin's. */
export interface JudgedStatement {
  /** The text to run: the user's own, with a plain EXPLAIN in front if it had one. */
  readonly text: string;
  readonly isExplain: boolean;
  readonly tables: readonly TableReference[];
  /** Whether it gives the same answer again as long as the tables are the same. */
  readonly isRepeatable: boolean;
}

/** Long enough for any statement a person or a dashboard writes; it bounds the parser's work. */
const maxStatementLength = 100_000;

/**
 * Parses `sql` with DuckDB's own parser and judges the syntax tree (S6.4). Nothing is bound or run:
 * binding a statement already opens the files that it names.
 *
 * @throws QueryError `query-syntax`, `query-not-allowed`
 */
export async function judgeStatement(connection: DuckDBConnection, sql: string): Promise<JudgedStatement> {
  if (sql.length > maxStatementLength) {
    throw notAllowed(
      `The statement has ${sql.length} characters; ${maxStatementLength} are allowed.`,
      'Split it, or join against a table in place of a long list of values.',
    );
  }
  if (sql.includes('\0')) throw notAllowed('The statement contains a NUL character.', 'Remove it.');
  const { prefix, statement } = splitExplain(sql);
  const tree = await parse(connection, statement);
  if (tree.error) throw await parseError(connection, sql, tree);
  const [only, ...more] = tree.statements ?? [];
  if (only === undefined)
    throw notAllowed('There is no statement.', 'Write a SELECT, as in FROM silver LIMIT 10.');
  if (more.length > 0) {
    throw notAllowed(
      `There are ${more.length + 1} statements; a query is exactly one.`,
      'Send them one by one, without a semicolon between.',
    );
  }
  const isExplain = prefix !== '';
  const { tables, isRepeatable } = judgeSyntaxTree(only);
  return { text: prefix + statement, isExplain, tables, isRepeatable: isRepeatable && !isExplain };
}

/** What `json_serialize_sql` answers. */
interface SerializedStatements {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly unknown[];
}

async function parse(connection: DuckDBConnection, sql: string): Promise<SerializedStatements> {
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
  const json = reader.getRows()[0]?.[0];
  return JSON.parse(String(json)) as SerializedStatements;
}

/** The parser's message with the line and the caret; or what is wrong with a statement of another kind. */
async function parseError(
  connection: DuckDBConnection,
  sql: string,
  tree: SerializedStatements,
): Promise<QueryError> {
  if (tree.error_type === 'not implemented') {
    return notAllowed(
      'Only one SELECT, EXPLAIN, DESCRIBE or SHOW TABLES statement is allowed.',
      /^\s*\(?\s*pivot\b|\(\s*pivot\b/i.test(sql)
        ? "Name the values of a PIVOT: PIVOT silver ON event_type IN ('purchase', 'page_view') USING count(*)."
        : 'Queries read; tables are changed with the clicklake table commands.',
    );
  }
  const detailed = await connection.extractStatements(sql).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : undefined),
  );
  return new QueryError({
    code: 'query-syntax',
    message: (detailed ?? `Parser Error: ${tree.error_message ?? 'unknown'}`).replace(
      /^Failed to extract statements: /,
      '',
    ),
    hint: 'Correct the statement; DESCRIBE silver lists the columns.',
  });
}

import { notAllowed, type QueryError } from '../query-error.ts';
import { allowedFunctions, allowedTableFunctions, changingFunctions } from './allowed-functions.ts';
import { openSizeLimits, type SizeLimits } from './size-limits.ts';
import { expressionClasses, isSyntaxNode, locationOf, nodeTypes, type SyntaxNode } from './syntax-tree.ts';

/** A bare table name that a statement reads from and does not define itself. */
export interface TableReference {
  /** As written. */
  readonly name: string;
  /** Character offset in the statement, when known. */
  readonly location: number | undefined;
}

/** What a statement that may run is made of. */
export interface Verdict {
  /** The tables that must be among the pin's. */
  readonly tables: readonly TableReference[];
  /** False when it asks for the time or for chance. */
  readonly isRepeatable: boolean;
}

interface Findings {
  readonly tables: TableReference[];
  readonly definedNames: Set<string>;
  readonly sizes: SizeLimits;
  isRepeatable: boolean;
}

/**
 * Judges the syntax tree of one SELECT (S6.4): refuses every node, function and table reference that
 * is not known to be harmless.
 *
 * @throws QueryError `query-not-allowed`
 */
export function judgeSyntaxTree(root: unknown): Verdict {
  const findings: Findings = {
    tables: [],
    definedNames: new Set(),
    sizes: openSizeLimits(),
    isRepeatable: true,
  };
  const pending: unknown[] = [root];
  // A loop and not recursion: the depth of the tree is the user's choice.
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) for (const element of value) pending.push(element);
    else if (isSyntaxNode(value)) pending.push(...judgeNode(value, findings));
  }
  const { tables, definedNames, isRepeatable } = findings;
  return { tables: tables.filter(({ name }) => !definedNames.has(foldCase(name))), isRepeatable };
}

/** Lower case as DuckDB compares identifiers: ASCII letters only. */
export function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Judges one node and gives the values below it that have to be judged too. */
function judgeNode(node: SyntaxNode, findings: Findings): readonly unknown[] {
  collectDefinedNames(node, findings);
  if (typeof node.class === 'string') return judgeExpression(node, node.class, findings);
  if ('type_info' in node) return judgeDataType(node, findings);
  if (typeof node.type !== 'string') return Object.values(node);
  if (!nodeTypes.has(node.type)) throw unknownNode(node.type);
  // TABLESAMPLE takes other rows each time.
  if (isSyntaxNode(node.sample)) findings.isRepeatable = false;
  if (node.type === 'BASE_TABLE') judgeTable(node, findings);
  if (node.type === 'SHOW_REF') judgeShow(node);
  if (node.type === 'TABLE_FUNCTION') return judgeTableFunction(node);
  return Object.values(node);
}

function judgeExpression(node: SyntaxNode, expressionClass: string, findings: Findings): readonly unknown[] {
  if (expressionClass === 'PARAMETER') {
    throw notAllowed('The statement has a parameter.', 'Write the value itself in place of ? or $1.');
  }
  if (!expressionClasses.has(expressionClass)) throw unknownNode(expressionClass);
  if (expressionClass === 'CONSTANT') return [];
  if ('function_name' in node) {
    const name = foldCase(String(node.function_name));
    if (!allowedFunctions.has(name)) {
      throw refusedFunction(
        name,
        node,
        allowedTableFunctions.has(name) ? `Call ${name}() in FROM.` : undefined,
      );
    }
    if (changingFunctions.has(name)) findings.isRepeatable = false;
    findings.sizes.call(name, Array.isArray(node.children) ? node.children : []);
  }
  return Object.values(node);
}

function judgeTableFunction(node: SyntaxNode): readonly unknown[] {
  const call = node.function;
  if (!isSyntaxNode(call) || typeof call.function_name !== 'string') throw unknownNode('TABLE_FUNCTION');
  const name = foldCase(call.function_name);
  if (!allowedTableFunctions.has(name)) throw refusedFunction(name, call);
  return [call.children, call.filter, call.order_bys];
}

function judgeTable(node: SyntaxNode, findings: Findings): void {
  const name = String(node.table_name);
  if (node.catalog_name !== '' || node.schema_name !== '') {
    throw notAllowed(
      `The table name ${String(node.schema_name)}.${name} has a schema or catalog.`,
      'Name tables alone, as in FROM silver; SHOW TABLES lists them.',
    );
  }
  findings.tables.push({ name, location: locationOf(node) });
}

/** DESCRIBE and SUMMARIZE hold the query that they describe; the others name what they list. */
function judgeShow(node: SyntaxNode): void {
  const describesQuery = node.show_type === 'DESCRIBE' || node.show_type === 'SUMMARY';
  if (describesQuery && isSyntaxNode(node.query)) return;
  if (node.show_type === 'SHOW_UNQUALIFIED' && node.table_name === '"tables"') return;
  throw notAllowed(
    'Of SHOW only SHOW TABLES is allowed.',
    'Use SHOW TABLES, DESCRIBE <table> or SUMMARIZE <table>.',
  );
}

/**
 * A name that a statement defines hides a table only inside its own scope. Outside of it DuckDB
 * would look for a file or a system view of that name, so such names may not be defined at all.
 */
function collectDefinedNames(node: SyntaxNode, findings: Findings): void {
  const map = isSyntaxNode(node.cte_map) ? node.cte_map.map : undefined;
  for (const entry of Array.isArray(map) ? map : []) {
    if (!isSyntaxNode(entry)) continue;
    const name = String(entry.key);
    if (!/^[\p{L}_][\p{L}\p{M}\p{N}_$ -]*$/u.test(name) || isSystemName(name)) {
      throw notAllowed(
        `A WITH query may not be named "${name}".`,
        'Use letters, digits and _ in the name, and not one that begins like a system view (duckdb_, pg_, sqlite_, pragma_).',
      );
    }
    findings.definedNames.add(foldCase(name));
  }
}

/** Whether `name` begins like the views that DuckDB finds without a schema. */
export function isSystemName(name: string): boolean {
  return /^(duckdb_|pg_|sqlite_|pragma_)/.test(foldCase(name));
}

/** A data type is harmless but for its size; its nested types are judged in their turn. */
function judgeDataType(node: SyntaxNode, findings: Findings): readonly unknown[] {
  const info = node.type_info;
  if (!isSyntaxNode(info)) return [];
  if (info.type === 'ARRAY_TYPE_INFO') findings.sizes.arrayType(Number(info.size));
  return [info.child_type, info.child_types];
}

function refusedFunction(name: string, node: SyntaxNode, hint?: string): QueryError {
  const location = locationOf(node);
  return notAllowed(
    `The function ${name}() is not allowed${location === undefined ? '' : ` (at character ${location + 1})`}.`,
    hint ??
      'Queries read the tables that SHOW TABLES lists, with functions that compute from their arguments alone.',
  );
}

function unknownNode(kind: string): QueryError {
  return notAllowed(
    `The statement uses a construct that is not allowed (${kind}).`,
    'Write it as a plain SELECT over the tables that SHOW TABLES lists.',
  );
}

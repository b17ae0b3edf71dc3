import type { DuckDBConnection } from '@duckdb/node-api';

import type { QueryTable, QueryTail, TailCover } from '../pin.ts';
import { notAllowed, QueryError } from '../query-error.ts';
import { foldCase, isSystemName, type TableReference } from '../sandbox/judge.ts';
import { quoteIdentifier, quoteLiteral } from '../sql-literal.ts';
import type { PathScrubber } from './duckdb-errors.ts';
import { tailSchema } from './instance.ts';

/** The temporary views of one pooled connection, which stay while the committed version is the same. */
export interface PinnedViews {
  /**
   * Makes `tables` the only names on this connection, with exactly the rows of their slices.
   *
   * @throws QueryError `query-table-unreadable` when a relation cannot be opened.
   */
  show(tables: readonly QueryTable[]): Promise<void>;
}

export function openPinnedViews(connection: DuckDBConnection, scrub: PathScrubber): PinnedViews {
  const current = new Map<string, string>();
  return {
    async show(tables) {
      const names = new Set(tables.map(({ name }) => name));
      const limits = tables.flatMap(({ tail }) => tail?.slices ?? []);
      const changes = limits.map(
        ({ table, rows }) => `SET VARIABLE ${rowLimitVariable(table)} = ${rows}::BIGINT`,
      );
      for (const name of current.keys()) {
        if (!names.has(name)) changes.push(`DROP VIEW IF EXISTS temp.main.${quoteIdentifier(name)}`);
      }
      const views = tables.map((table) => ({ name: table.name, sql: viewSql(table) }));
      const changed = views.filter(({ name, sql }) => current.get(name) !== sql);
      for (const { name, sql } of changed) {
        changes.push(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(checkedName(name))} AS ${sql}`);
      }
      if (changes.length > 0) {
        // After a failure half-way nobody knows which views are new: the next query makes them again.
        await connection.run(changes.join(';\n')).catch((error: unknown) => {
          for (const { name } of changed) current.set(name, '');
          throw unreadable(error, scrub);
        });
      }
      for (const name of current.keys()) if (!names.has(name)) current.delete(name);
      for (const { name, sql } of changed) current.set(name, sql);
    },
  };
}

/** @throws QueryError `query-not-allowed` for a reference to anything but a table of the pin. */
export function checkTables(references: readonly TableReference[], tables: readonly QueryTable[]): void {
  const known = new Set(tables.map(({ name }) => name));
  const unknown = references.find(({ name }) => !known.has(foldCase(name)));
  if (unknown === undefined) return;
  const where = unknown.location === undefined ? '' : ` (at character ${unknown.location + 1})`;
  throw notAllowed(
    `There is no table "${unknown.name}"${where}.`,
    `Tables are: ${[...known].sort().join(', ') || 'none yet'}. Files and system views cannot be queried.`,
  );
}

/**
 * The number of pinned rows stands in a variable of the connection and not in the view, so that a new
 * tail epoch, four times a second, does not bind the committed files anew.
 */
function viewSql({ relationSql, tail }: QueryTable): string {
  if (tail === undefined || tail.slices.length === 0) return `FROM (${relationSql})`;
  const slices = tail.slices.map(({ table }) => {
    const rows = `SELECT * FROM ${tailSchema}.${quoteIdentifier(table)}`;
    return `${rows} WHERE rowid < getvariable('${rowLimitVariable(table)}')${notCovered(tail)}`;
  });
  return [`FROM (${relationSql})`, ...slices].join(' UNION ALL BY NAME ');
}

function rowLimitVariable(table: string): string {
  return `rows_of_${table}`;
}

/** IS NOT TRUE and not NOT: a row whose key is NULL is covered by nothing. */
function notCovered({ covered }: QueryTail): string {
  if (covered.length === 0) return '';
  return ` AND (${covered.map(coverSql).join(' OR ')}) IS NOT TRUE`;
}

function coverSql({ key, offsetColumn, nextOffset }: TailCover): string {
  const equals = Object.entries(key).map(
    ([column, value]) => `${quoteIdentifier(column)} = ${quoteLiteral(value)}`,
  );
  return `(${[...equals, `${quoteIdentifier(offsetColumn)} < ${quoteLiteral(nextOffset)}`].join(' AND ')})`;
}

/** A name that only the view can mean: DuckDB looks for a file behind a name that has a dot. */
function checkedName(name: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !isSystemName(name)) return name;
  throw new RangeError(`${name} cannot be the name of a query table.`);
}

function unreadable(error: unknown, scrub: PathScrubber): QueryError {
  return new QueryError({
    code: 'query-table-unreadable',
    message: scrub(`A table could not be opened: ${error instanceof Error ? error.message : String(error)}`),
    hint: 'Ask again; if it stays, check the table with clicklake table detail.',
    retryable: true,
    cause: error,
  });
}

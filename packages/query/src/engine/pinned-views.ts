import type { DuckDBConnection } from '@duckdb/node-api';

import type { PinnedTable, TailCover } from '../pin.ts';
import { notAllowed, QueryError } from '../query-error.ts';
import { foldCase, isSystemName, type TableReference } from '../sandbox/judge.ts';
import { quoteIdentifier, quoteLiteral } from '../sql-literal.ts';
import type { PathScrubber } from './duckdb-errors.ts';
import { tailSchema } from './instance.ts';

/**
 * What a connection has to be set to, to show a pin. Two equal plans show equal rows: committed files
 * never change, a tail only grows, and no two tails share a name.
 */
export interface ViewPlan {
  /** The SELECT behind each table name. */
  readonly views: ReadonlyMap<string, string>;
  /** Rows of each tail that are pinned, by the variable that the views read. */
  readonly rowLimits: ReadonlyMap<string, number>;
}

/**
 * Plans the views of a pin. The number of pinned rows stands in a variable and not in the view, so
 * that a new tail epoch, four times a second, does not bind the committed files anew.
 */
export function planViews(tables: readonly PinnedTable[]): ViewPlan {
  const slices = tables.flatMap(({ tail }) => tail?.slices ?? []);
  return {
    views: new Map(tables.map((table) => [checkedName(table.name), viewSql(table)])),
    rowLimits: new Map(slices.map(({ table, rows }) => [rowLimitVariable(table), rows])),
  };
}

export function samePlan(a: ViewPlan, b: ViewPlan): boolean {
  return sameEntries(a.rowLimits, b.rowLimits) && sameEntries(a.views, b.views);
}

function sameEntries<Value>(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

/** The temporary views of one pooled connection; those that stay the same are not made again. */
export interface PinnedViews {
  /**
   * Makes the plan's tables the only names on this connection, with exactly the pinned rows.
   *
   * @throws QueryError `query-table-unreadable` when a relation cannot be opened.
   */
  show(plan: ViewPlan): Promise<void>;
}

const nothing: ViewPlan = { views: new Map(), rowLimits: new Map() };

export function openPinnedViews(connection: DuckDBConnection, scrub: PathScrubber): PinnedViews {
  let current = nothing;
  return {
    async show(plan) {
      const changes = [
        ...removed(current.rowLimits, plan.rowLimits).map((name) => `RESET VARIABLE ${name}`),
        ...changed(current.rowLimits, plan.rowLimits).map(
          ([name, rows]) => `SET VARIABLE ${name} = ${rows}::BIGINT`,
        ),
        ...removed(current.views, plan.views).map((name) => `DROP VIEW temp.main.${quoteIdentifier(name)}`),
        ...changed(current.views, plan.views).map(
          ([name, sql]) => `CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS ${sql}`,
        ),
      ];
      if (changes.length === 0) return;
      try {
        // All or none, and never a view of one pin beside one of another.
        await connection.run(['BEGIN', ...changes, 'COMMIT'].join(';\n'));
        current = plan;
      } catch (error) {
        await connection.run('ROLLBACK').catch(() => undefined);
        // Variables know no transaction: they are all set again.
        current = { views: current.views, rowLimits: new Map() };
        throw unreadable(error, scrub);
      }
    },
  };
}

function removed(from: ReadonlyMap<string, unknown>, to: ReadonlyMap<string, unknown>): string[] {
  return [...from.keys()].filter((name) => !to.has(name));
}

function changed<Value>(from: ReadonlyMap<string, Value>, to: ReadonlyMap<string, Value>): [string, Value][] {
  return [...to].filter(([name, value]) => from.get(name) !== value);
}

/** @throws QueryError `query-not-allowed` for a reference to anything but a table of the pin. */
export function checkTables(references: readonly TableReference[], tables: readonly PinnedTable[]): void {
  const known = new Set(tables.map(({ name }) => name));
  const unknown = references.find(({ name }) => !known.has(foldCase(name)));
  if (unknown === undefined) return;
  const where = unknown.location === undefined ? '' : ` (at character ${unknown.location + 1})`;
  throw notAllowed(
    `There is no table "${unknown.name}"${where}.`,
    `Tables are: ${[...known].sort().join(', ') || 'none yet'}. Files and system views cannot be queried.`,
  );
}

function viewSql({ relationSql, tail }: PinnedTable): string {
  const slices = (tail?.slices ?? []).map(({ table }) => {
    const rows = `SELECT * FROM ${tailSchema}.${quoteIdentifier(table)}`;
    return `${rows} WHERE rowid < getvariable('${rowLimitVariable(table)}')${notCovered(tail)}`;
  });
  return [`FROM (${relationSql})`, ...slices].join(' UNION ALL BY NAME ');
}

function rowLimitVariable(table: string): string {
  return `rows_of_${table}`;
}

/** IS NOT TRUE and not NOT: a row whose key is NULL is covered by nothing. */
function notCovered(tail: PinnedTable['tail']): string {
  if (tail === undefined || tail.covered.length === 0) return '';
  return ` AND (${tail.covered.map(coverSql).join(' OR ')}) IS NOT TRUE`;
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

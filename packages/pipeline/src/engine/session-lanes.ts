import {
  pruneFiles,
  quoteIdentifier,
  scanSql,
  type AddFile,
  type ObjectStore,
  type Snapshot,
} from '@clicklake/delta-lake';
import type { DuckDBConnection } from '@duckdb/node-api';

/** A connection to a DuckDB, with an attached database of its own. */
export interface LaneConnection {
  /** The database that it uses: views and tables without one are made in it. */
  readonly database: string;
  readonly connection: DuckDBConnection;
}

/**
 * Statements one after another, with views of their own over the session's tables: one about few dates is planned with
 * the files of these, while another lane's is about others.
 */
export interface Lane {
  readonly connection: DuckDBConnection;
  /** Brings the views up to date, and lets them show no more of the tables than some dates; all by default. */
  readonly show: (dates?: readonly string[]) => Promise<void>;
  /** SQL text of what this lane has made, for the others to read. */
  readonly inAnyLane: (relation: string) => string;
}

export interface ShownTable {
  readonly store: ObjectStore;
  readonly snapshot: Snapshot;
}

/** What the lanes' views show, as it is by then. Keys are SQL text of relations. */
export interface ToShow {
  readonly schemas: readonly string[];
  readonly tables: () => ReadonlyMap<string, ShownTable>;
  /** SELECTs over the tables and over earlier views. */
  readonly views: ReadonlyMap<string, string>;
}

export interface Lanes {
  /** Does some work in a lane that nobody else has meanwhile; waits for one when all are lent. */
  use<T>(work: (lane: Lane) => Promise<T>): Promise<T>;
}

export function openLanes(all: readonly LaneConnection[], toShow: ToShow): Lanes {
  const free = all.map((each) => createLane(each, toShow)).reverse();
  const waiting: (() => void)[] = [];
  return {
    async use(work) {
      let lane = free.pop();
      for (; lane === undefined; lane = free.pop())
        await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work(lane);
      } finally {
        free.push(lane);
        waiting.shift()?.();
      }
    },
  };
}

/** Statements that take away what a lane has made. */
export function dropSchemasSql(schemas: readonly string[]): string {
  return schemas.map((schema) => `DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`).join('; ');
}

function createLane({ database, connection }: LaneConnection, { schemas, tables, views }: ToShow): Lane {
  /** What each view of this lane shows. */
  const shown = new Map<string, string>();
  let isEmpty = true;

  return {
    connection,
    inAnyLane: (relation) => `${quoteIdentifier(database)}.${relation}`,
    async show(dates) {
      const statements: string[] = [];
      const showing = new Map<string, string>();
      const define = (relation: string, wanted: string, select: () => string): void => {
        if (shown.get(relation) === wanted) return;
        statements.push(`CREATE OR REPLACE VIEW ${relation} AS ${select()}`);
        showing.set(relation, wanted);
      };
      if (isEmpty)
        statements.push(
          dropSchemasSql(schemas),
          ...schemas.map((schema) => `CREATE SCHEMA ${quoteIdentifier(schema)}`),
        );
      for (const [relation, { store, snapshot }] of tables()) {
        define(relation, `${snapshot.version} ${dates?.join() ?? 'all'}`, () =>
          scanSql(store, snapshot, filesOn(snapshot, dates)),
        );
      }
      for (const [relation, select] of views) define(relation, select, () => select);
      // In one go: each wait for DuckDB is one for the process's other work, too.
      if (statements.length > 0) await connection.run(statements.join(';\n'));
      isEmpty = false;
      for (const [relation, wanted] of showing) shown.set(relation, wanted);
    },
  };
}

/** Tables can have thousands of files. */
function filesOn(snapshot: Snapshot, dates: readonly string[] | undefined): Iterable<AddFile> {
  const [column] = snapshot.metadata.partitionColumns;
  return dates === undefined || column === undefined
    ? snapshot.files.values()
    : pruneFiles(snapshot, [{ column, op: 'in', values: dates }]);
}

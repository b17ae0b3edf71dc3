import type { ModelColumn } from '../models/index.ts';

/**
 * What executes models: reads tables at pinned versions, and replaces the rows of some dates of a table by a SELECT.
 * DuckDB does it in this process; Spark can take its place by passing the same conformance suite
 * (`test/engine/engine-conformance.ts`). An engine knows nothing of models: it is given SQL.
 */
export interface Engine {
  readonly dialect: 'duckdb' | 'spark' | 'trino';
  /**
   * Pins the newest version of every table. What others commit while the session is open is not seen by it; what it
   * commits itself is. One session at a time.
   *
   * @param tables the tables that may be written: name and definition. They need not exist yet.
   */
  openSession(tables: readonly WrittenTable[]): Promise<EngineSession>;
  /** Ends an open session. Idempotent. */
  close(): Promise<void>;
}

/** A table that models make. */
export interface WrittenTable {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly ModelColumn[];
  /** A column of type date: the one partition column. */
  readonly dateColumn: string;
}

/** A table at the version that the session sees. */
export interface PinnedTable {
  readonly version: number;
  /** `txn` versions by appId (Delta PROTOCOL, "Transaction Identifiers"). */
  readonly transactions: ReadonlyMap<string, bigint>;
  /** Dates that hold rows, ascending, as `YYYY-MM-DD`, and about how many. */
  readonly rowsByDate: ReadonlyMap<string, number>;
}

/** Dates whose rows changed between two versions of a table. */
export interface ChangedDates {
  readonly dates: readonly string[];
  /** Rows were taken away, replaced or put back: false means that all changes are new rows, appended. */
  readonly removed: boolean;
  /** How many rows were added; undefined: not known. */
  readonly addedRows: number | undefined;
  /** Only the rows of users with new events differ: every change was made by `replaceDates` with `onlyNewRows`. */
  readonly onlyNewRows: boolean;
}

/**
 * Calls may overlap; how many are worked at at a time is the engine's choice. Only `narrowView` and `showSourceAt` change
 * what other calls see, and are no one's neighbours.
 *
 * All reject with PipelineError `refresh-out-of-memory` for a statement that outgrows the engine's memory. What the
 * session has committed before stands, and it goes on.
 */
export interface EngineSession {
  /** SQL text of a relation: `model` is a written table or a view of this session, `source` is `source.table`. */
  relation(kind: 'model' | 'source', name: string): string;
  /** Undefined while there is no such table. */
  table(kind: 'model' | 'source', name: string): PinnedTable | undefined;
  /** Between a version and the pinned one; undefined when the table no longer knows all of it. */
  changedDates(kind: 'model' | 'source', name: string, since: number): Promise<ChangedDates | undefined>;
  /**
   * Shows a source as it was at an earlier version from now on.
   *
   * @returns false when the table no longer knows that version; the source is then shown as before.
   */
  showSourceAt(name: string, version: number): Promise<boolean>;
  /** SQL text of a string. */
  literal(text: string): string;
  /** SQL text of an instant, from ISO 8601 in UTC. */
  instant(text: string): string;
  /** SQL text of a row as a JSON object by its columns, where the row is that of the FROM item so named. */
  rowAsJson(alias: string): string;
  /** Names a SELECT, for this session. */
  createView(name: string, select: string): Promise<void>;
  /**
   * Lets a view give only the rows of a SELECT over it, which is run once: a promise of the caller's that the
   * statements to come need no others. Null: all of its rows again.
   *
   * @param inputDates as for `query`.
   */
  narrowView(name: string, select: string | null, inputDates?: readonly string[]): Promise<void>;
  /**
   * Rows of a small result, in which 64-bit integers are bigint, and dates and instants ISO 8601 text in UTC.
   *
   * @param inputDates a hint: rows of sources and written tables on other dates need not be read.
   */
  query(select: string, inputDates?: readonly string[]): Promise<readonly QueryRow[]>;
  /**
   * Replaces every row of some dates by the rows of SELECTs, which lie on these dates, in one commit with its
   * `txn`s; a date without rows any more is emptied. Creates the table when it is missing. The SELECTs are run one
   * after another, so that each fits the memory. With `replacing` the other rows of the dates stay.
   *
   * @throws PipelineError `refresh-fenced` when a `txn` is not what the request expects: another one was faster.
   */
  replaceDates(request: ReplaceDates): Promise<ReplacedDates>;
  close(): Promise<void>;
}

export type QueryRow = Readonly<Record<string, string | number | bigint | boolean | null>>;

export interface ReplaceDates {
  /** The name of one of the session's tables. */
  readonly table: string;
  readonly selects: readonly string[];
  /** `all` replaces the whole table, its schema included. */
  readonly dates: readonly string[] | 'all';
  readonly transactions: readonly { readonly appId: string; readonly version: bigint }[];
  /** What the table's `txn`s of these names have to be; undefined: none yet. */
  readonly expected: ReadonlyMap<string, bigint | undefined>;
  /**
   * A SELECT of keys, under names of the table's columns: of the dates' rows, only those with one of these keys are
   * replaced, the others stay. All of them by default. For a table that exists, some dates and one SELECT.
   */
  readonly replacing?: string;
  /** As for `query`. */
  readonly inputDates?: readonly string[];
  /** Kept with the commit, for `changedDates` of whoever reads the table. */
  readonly onlyNewRows?: boolean;
}

export interface ReplacedDates {
  readonly version: number;
  /** What was written: `replacing` may leave rows where they are. */
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
}

import {
  createTable,
  isDeltaError,
  pruneFiles,
  quoteIdentifier,
  quoteLiteral,
  scanSql,
  type AddFile,
  type DeltaTable,
  type ObjectStore,
  type PartitionSelect,
  type ReplaceOptions,
  type Snapshot,
  type TableOptions,
} from '@clicklake/delta-lake';
import { DuckDBTypeId, type DuckDBConnection, type JS } from '@duckdb/node-api';
import { PipelineError } from '../pipeline-error.ts';
import type { EngineSession, PinnedTable, QueryRow, ReplaceDates, WrittenTable } from './engine.ts';
import { gatherPieces, ofOneDate } from './gather-pieces.ts';
import { goldSchema, goldProperties } from './gold-schema.ts';
import { planReplacement } from './plan-replacement.ts';

export interface DuckdbSessionOptions {
  readonly connection: DuckDBConnection;
  /** Tables that exist, by `model name` or `source name`. */
  readonly found: Map<string, DeltaTable>;
  readonly tables: readonly WrittenTable[];
  readonly sources: readonly string[];
  create(name: string): { readonly store: ObjectStore; readonly options: TableOptions };
  /** Rows of a data file. */
  rowsOf(file: AddFile): number;
}

/** Small ones: what a writing thread holds of them is memory that DuckDB's limit does not bound. */
const rowGroupRows = 32_768;
/** The files are as large as with zstd's own 3, and a refresh spends a third less on writing. */
const compressionLevel = 1;
const modelSchema = 'gold';
/** What the commits of `onlyNewRows` bear. */
const onlyNewRowsNote = 'clicklake: rows of users with new events';

function schemasOf(sources: readonly string[]): readonly string[] {
  return [...new Set([modelSchema, ...sources.map((name) => name.split('.')[0] ?? '')])];
}

/** Statements that take away what a session has made, its views and the rows that it read into memory. */
export function dropSchemasSql(sources: readonly string[]): readonly string[] {
  return schemasOf(sources).map((schema) => `DROP SCHEMA IF EXISTS ${quoteIdentifier(schema)} CASCADE`);
}

/** A session over opened tables: a view for each, in DuckDB schemas named as dbt's. */
export async function openDuckdbSession(
  options: DuckdbSessionOptions,
): Promise<Omit<EngineSession, 'close'>> {
  const { connection, found, tables, sources } = options;
  const rowsOf = (file: AddFile): number => options.rowsOf(file);
  const written = new Map(tables.map((table) => [table.name, table]));
  const pins = new Map<string, Pin>();
  const pinOf = (snapshot: Snapshot): Pin => {
    const { version, transactions } = snapshot;
    return { snapshot, table: { version, transactions, rowsByDate: rowsByDate(snapshot, rowsOf) } };
  };
  for (const [key, table] of found) pins.set(key, pinOf(await table.snapshot()));
  await runAll([
    "SET TimeZone = 'UTC'",
    ...dropSchemasSql(sources),
    ...schemasOf(sources).map((schema) => `CREATE SCHEMA ${quoteIdentifier(schema)}`),
  ]);
  /** What each table's view shows: its version, and of which dates. */
  const shown = new Map<string, string>();

  /** In one go: each wait for DuckDB is one for the process's other work, too. */
  async function runAll(statements: readonly string[]): Promise<void> {
    if (statements.length > 0) await connection.run(statements.join(';\n'));
  }

  function relation(kind: 'model' | 'source', name: string): string {
    const path = kind === 'model' ? [modelSchema, name] : name.split('.');
    return path.map(quoteIdentifier).join('.');
  }

  /** Tables can have thousands of files: a statement about few dates is planned with theirs only. */
  async function show(dates?: readonly string[]): Promise<void> {
    const statements: string[] = [];
    const showing = new Map<string, string>();
    for (const [key, { snapshot }] of pins) {
      const table = found.get(key);
      const wanted = `${snapshot.version} ${dates?.join() ?? 'all'}`;
      if (table === undefined || shown.get(key) === wanted) continue;
      const [kind, name] = key.split(' ') as ['model' | 'source', string];
      const [column] = snapshot.metadata.partitionColumns;
      const files =
        dates === undefined || column === undefined
          ? snapshot.files.values()
          : pruneFiles(snapshot, [{ column, op: 'in', values: dates }]);
      statements.push(
        `CREATE OR REPLACE VIEW ${relation(kind, name)} AS ${scanSql(table.store, snapshot, files)}`,
      );
      showing.set(key, wanted);
    }
    await runAll(statements);
    for (const [key, wanted] of showing) shown.set(key, wanted);
  }

  function writtenTable(name: string): WrittenTable {
    const table = written.get(name);
    if (table === undefined) throw new TypeError(`${name} is no table of this session.`);
    return table;
  }

  const keysOf = ({ name }: WrittenTable): string => relation('model', `${name}, keys`);
  const foundOf = ({ name }: WrittenTable): string => relation('model', `${name}, found`);
  const piecesOf = ({ name }: WrittenTable): string => relation('model', `${name}, in pieces`);

  /** The SELECTs as they are to be written: DuckDB sorts rows into files by date only where there are many dates. */
  async function selectsByDate(
    definition: WrittenTable,
    selects: readonly string[],
    dates: readonly string[] | 'all',
  ): Promise<readonly (string | PartitionSelect)[]> {
    const { dateColumn } = definition;
    if (selects.length > 1) return await gatherPieces(connection, selects, dateColumn, piecesOf(definition));
    const [date] = dates;
    return dates === 'all' || dates.length !== 1 || date === undefined
      ? selects
      : selects.map((select) => ofOneDate(select, dateColumn, date));
  }

  /** What is written for some dates, and which files it takes the place of. */
  async function replacementOf(
    definition: WrittenTable,
    table: DeltaTable,
    { selects, dates, replacing }: ReplaceDates,
  ): Promise<{
    readonly selects: readonly (string | PartitionSelect)[];
    readonly only?: ReplaceOptions['only'];
  }> {
    if (replacing === undefined || dates === 'all')
      return { selects: await selectsByDate(definition, selects, dates) };
    const keys = keysOf(definition);
    await connection.run(`CREATE OR REPLACE TABLE ${keys} AS ${replacing}`);
    const snapshot = await table.snapshot();
    const ofDates = pruneFiles(snapshot, [{ column: definition.dateColumn, op: 'in', values: dates }]);
    const { dateColumn } = definition;
    const replacement = {
      snapshot,
      dateFiles: ofDates,
      dateColumn,
      keys,
      found: foundOf(definition),
      rowsOf,
    };
    const { files, kept } = await planReplacement(connection, table.store, replacement);
    const made = await selectsByDate(definition, selects, dates);
    return { selects: [...made, ...kept], only: { snapshot, files } };
  }

  async function openOrCreate(definition: WrittenTable): Promise<DeltaTable> {
    const key = `model ${definition.name}`;
    const existing = found.get(key);
    if (existing !== undefined) return existing;
    const { store, options: tableOptions } = options.create(definition.name);
    const created = await createTable(
      store,
      {
        name: definition.name,
        description: definition.description,
        schema: goldSchema(definition.columns),
        partitionColumns: [definition.dateColumn],
        configuration: goldProperties,
      },
      tableOptions,
    );
    found.set(key, created);
    return created;
  }

  const views = new Map<string, string>();
  const narrowed = new Map<string, string>();

  async function narrowView(
    name: string,
    select: string | null,
    inputDates?: readonly string[],
  ): Promise<void> {
    const definition = views.get(name);
    if (definition === undefined) throw new TypeError(`${name} is no view of this session.`);
    if (narrowed.get(name) === (select ?? undefined)) return;
    const view = relation('model', name);
    const rows = relation('model', `${name}, narrowed`);
    await connection.run(`CREATE OR REPLACE VIEW ${view} AS ${definition}`);
    narrowed.delete(name);
    if (select === null) {
      await connection.run(`DROP TABLE IF EXISTS ${rows}`);
      return;
    }
    await show(inputDates);
    await connection.run(`CREATE OR REPLACE TABLE ${rows} AS ${select}`);
    await connection.run(`CREATE OR REPLACE VIEW ${view} AS SELECT * FROM ${rows}`);
    narrowed.set(name, select);
  }

  // Views over them can be made; files are looked at by the statements that need them.
  await show([]);
  return {
    relation,
    narrowView,
    table(kind, name) {
      return pins.get(`${kind} ${name}`)?.table;
    },
    async changedDates(kind, name, since) {
      const key = `${kind} ${name}`;
      const version = pins.get(key)?.table.version;
      if (version === undefined || since > version) return undefined;
      const changes = await found.get(key)?.changes(since, version);
      if (changes === undefined) return undefined;
      const { removed, addedRows, notes } = changes;
      return {
        dates: datesOf(changes.partitions),
        removed,
        addedRows,
        onlyNewRows: notes.every((note) => note === onlyNewRowsNote),
      };
    },
    async showSourceAt(name, version) {
      const key = `source ${name}`;
      const snapshot = await snapshotAt(found.get(key), version);
      if (snapshot === undefined) return false;
      pins.set(key, pinOf(snapshot));
      await show([]);
      return true;
    },
    literal: quoteLiteral,
    instant: (text) => `CAST(${quoteLiteral(text)} AS TIMESTAMP WITH TIME ZONE)`,
    rowAsJson: (alias) => `CAST(to_json(${quoteIdentifier(alias)}) AS VARCHAR)`,
    async createView(name, select) {
      views.set(name, select);
      await connection.run(`CREATE OR REPLACE VIEW ${relation('model', name)} AS ${select}`);
    },
    async query(select, inputDates) {
      await show(inputDates);
      const reader = await connection.runAndReadAll(select);
      const isDate = reader.columnTypes().map(({ typeId }) => typeId === DuckDBTypeId.DATE);
      const names = reader.columnNames();
      return reader.getRowsJS().map((row) =>
        Object.fromEntries(
          row.map((value, column) => {
            const name = names[column] ?? '';
            return [name, plainValue(name, value, isDate[column] === true)];
          }),
        ),
      );
    },
    async replaceDates(request) {
      const { table: name, selects, dates, transactions, expected, inputDates, onlyNewRows } = request;
      const definition = writtenTable(name);
      const table = await openOrCreate(definition);
      const schema = goldSchema(definition.columns);
      try {
        await show(inputDates);
        const { selects: written, only } = await replacementOf(definition, table, request);
        const { version } = await table.replaceWhere(
          dates === 'all' ? [{}] : dates.map((date) => ({ [definition.dateColumn]: date })),
          written,
          {
            ...(only === undefined ? {} : { only }),
            connection,
            compression: 'zstd',
            compressionLevel,
            rowGroupRows,
            transactions,
            expectedTransactions: expected,
            ...(onlyNewRows === true ? { userMetadata: onlyNewRowsNote } : {}),
            ...(dates === 'all' ? { schema } : {}),
          },
        );
        const before = pins.get(`model ${name}`)?.snapshot;
        const after = await table.snapshot();
        pins.set(`model ${name}`, pinOf(after));
        return { version, ...newFiles(before, after, rowsOf) };
      } catch (error) {
        if (isDeltaError(error, 'delta-transaction-fenced')) throw fenced(name, error);
        throw error;
      } finally {
        if (selects.length > 1) await connection.run(`DROP TABLE IF EXISTS ${piecesOf(definition)}`);
        if (request.replacing !== undefined)
          await connection.run(
            `DROP TABLE IF EXISTS ${keysOf(definition)}; DROP TABLE IF EXISTS ${foundOf(definition)}`,
          );
      }
    },
  };
}

async function snapshotAt(table: DeltaTable | undefined, version: number): Promise<Snapshot | undefined> {
  try {
    return await table?.snapshotAt({ version });
  } catch (error) {
    if (isDeltaError(error, 'delta-version-not-found')) return undefined;
    throw error;
  }
}

/** A snapshot, and what is said of it: told once, since it takes a look at every file. */
interface Pin {
  readonly snapshot: Snapshot;
  readonly table: PinnedTable;
}

function rowsByDate(snapshot: Snapshot, rowsOf: (file: AddFile) => number): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const file of snapshot.files.values()) {
    for (const date of Object.values(file.partitionValues))
      if (date !== null) rows.set(date, (rows.get(date) ?? 0) + rowsOf(file));
  }
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function datesOf(partitions: readonly Readonly<Record<string, string | null>>[]): readonly string[] {
  const dates = new Set(partitions.flatMap((values) => Object.values(values)));
  return [...dates].filter((date) => date !== null).sort();
}

function newFiles(
  before: Snapshot | undefined,
  after: Snapshot,
  rowsOf: (file: AddFile) => number,
): { readonly rows: number; readonly bytes: number; readonly files: number } {
  const added = [...after.files.values()].filter((file) => before?.files.has(file.path) !== true);
  return {
    rows: added.reduce((sum, file) => sum + rowsOf(file), 0),
    bytes: added.reduce((sum, file) => sum + file.size, 0),
    files: added.length,
  };
}

/** Dates and instants as text: what plans and reports are made of. */
function plainValue(name: string, value: JS, isDate: boolean): QueryRow[string] {
  if (value instanceof Date) return isDate ? value.toISOString().slice(0, 10) : value.toISOString();
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      if (value === null) return null;
      throw new TypeError(`Column ${name} is of a type that plans have no use for.`);
  }
}

function fenced(name: string, cause: unknown): PipelineError {
  return new PipelineError({
    code: 'refresh-fenced',
    message: `Another refresh has replaced rows of ${name} meanwhile.`,
    hint: 'Nothing is lost or double: start the refresh again, it takes up what is left.',
    retryable: true,
    cause,
    details: { table: name },
  });
}

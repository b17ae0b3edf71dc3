import {
  createTable,
  isDeltaError,
  pruneFiles,
  quoteIdentifier,
  quoteLiteral,
  type AddFile,
  type DeltaTable,
  type ObjectStore,
  type PartitionSelect,
  type ReplaceOptions,
  type Snapshot,
  type TableOptions,
} from '@clicklake/delta-lake';
import { DuckDBTypeId, type JS } from '@duckdb/node-api';
import { isOutOfMemory } from '../ingest/out-of-memory.ts';
import { PipelineError } from '../pipeline-error.ts';
import type {
  EngineSession,
  PinnedTable,
  QueryRow,
  ReplaceDates,
  ReplacedDates,
  WrittenTable,
} from './engine.ts';
import { gatherPieces, ofOneDate } from './gather-pieces.ts';
import { goldSchema, goldProperties } from './gold-schema.ts';
import { planReplacement } from './plan-replacement.ts';
import { openLanes, type Lane, type LaneConnection, type ShownTable } from './session-lanes.ts';

export interface DuckdbSessionOptions {
  /** Each for the statements of one call; so many calls can go on at a time. */
  readonly lanes: readonly LaneConnection[];
  /** Tables that exist, by `model name` or `source name`. */
  readonly found: Map<string, DeltaTable>;
  readonly tables: readonly WrittenTable[];
  readonly sources: readonly string[];
  create(name: string): { readonly store: ObjectStore; readonly options: TableOptions };
  /** Rows of a data file. */
  rowsOf(file: AddFile): number;
}

/** Small ones: what a writer holds of them is memory that DuckDB's limit does not bound. */
const rowGroupRows = 32_768;
/** The files are as large as with zstd's own 3, and a refresh spends a third less on writing. */
const compressionLevel = 1;
const modelSchema = 'gold';
/** What the commits of `onlyNewRows` bear. */
const onlyNewRowsNote = 'clicklake: rows of users with new events';

/** Where a session makes its views and tables. */
export function schemasOf(sources: readonly string[]): readonly string[] {
  return [...new Set([modelSchema, ...sources.map((name) => name.split('.')[0] ?? '')])];
}

/** A session over opened tables: a view for each, in DuckDB schemas named as dbt's. */
export async function openDuckdbSession(
  options: DuckdbSessionOptions,
): Promise<Omit<EngineSession, 'close'>> {
  const { found, tables, sources } = options;
  const rowsOf = (file: AddFile): number => options.rowsOf(file);
  const written = new Map(tables.map((table) => [table.name, table]));
  const pins = new Map<string, Pin>();
  const pinOf = (snapshot: Snapshot): Pin => {
    const { version, transactions } = snapshot;
    return { snapshot, table: { version, transactions, rowsByDate: rowsByDate(snapshot, rowsOf) } };
  };
  for (const [key, table] of found) pins.set(key, pinOf(await table.snapshot()));
  const schemas = schemasOf(sources);
  const views = new Map<string, string>();
  const lanes = openLanes(options.lanes, { schemas, tables: tablesToShow, views });

  async function inLane<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
    try {
      return await lanes.use(work);
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(error) : error;
    }
  }

  function tablesToShow(): ReadonlyMap<string, ShownTable> {
    const shown = new Map<string, ShownTable>();
    for (const [key, { snapshot }] of pins) {
      const table = found.get(key);
      const [kind, name] = key.split(' ') as ['model' | 'source', string];
      if (table !== undefined) shown.set(relation(kind, name), { store: table.store, snapshot });
    }
    return shown;
  }

  function relation(kind: 'model' | 'source', name: string): string {
    const path = kind === 'model' ? [modelSchema, name] : name.split('.');
    return path.map(quoteIdentifier).join('.');
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
    { connection }: Lane,
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
    lane: Lane,
    definition: WrittenTable,
    table: DeltaTable,
    { selects, dates, replacing }: ReplaceDates,
  ): Promise<{
    readonly selects: readonly (string | PartitionSelect)[];
    readonly only?: ReplaceOptions['only'];
  }> {
    if (replacing === undefined || dates === 'all')
      return { selects: await selectsByDate(lane, definition, selects, dates) };
    const keys = keysOf(definition);
    await lane.connection.run(`CREATE OR REPLACE TABLE ${keys} AS ${replacing}`);
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
    const { files, kept } = await planReplacement(lane.connection, table.store, replacement);
    const made = await selectsByDate(lane, definition, selects, dates);
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

  const definitions = new Map<string, string>();
  const narrowed = new Map<string, { readonly select: string; readonly rows: string }>();

  async function narrowView(
    name: string,
    select: string | null,
    inputDates?: readonly string[],
  ): Promise<void> {
    const definition = definitions.get(name);
    if (definition === undefined) throw new TypeError(`${name} is no view of this session.`);
    const known = narrowed.get(name);
    if (known?.select === (select ?? undefined)) return;
    const view = relation('model', name);
    views.set(view, definition);
    narrowed.delete(name);
    await inLane(async ({ connection, show, inAnyLane }) => {
      await show(select === null ? [] : inputDates);
      if (known !== undefined) await connection.run(`DROP TABLE IF EXISTS ${known.rows}`);
      if (select === null) return;
      const rows = inAnyLane(relation('model', `${name}, narrowed`));
      await connection.run(`CREATE OR REPLACE TABLE ${rows} AS ${select}`);
      views.set(view, `SELECT * FROM ${rows}`);
      narrowed.set(name, { select, rows });
    });
  }

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
      return true;
    },
    literal: quoteLiteral,
    instant: (text) => `CAST(${quoteLiteral(text)} AS TIMESTAMP WITH TIME ZONE)`,
    rowAsJson: (alias) => `CAST(to_json(${quoteIdentifier(alias)}) AS VARCHAR)`,
    async createView(name, select) {
      // A narrowed view stays so while it is the same one.
      if (definitions.get(name) === select) return;
      const view = relation('model', name);
      definitions.set(name, select);
      views.set(view, select);
      try {
        // Files are looked at by the statements that need them.
        await inLane(({ show }) => show([]));
      } catch (error) {
        views.delete(view);
        definitions.delete(name);
        throw error;
      }
    },
    async query(select, inputDates) {
      const reader = await inLane(async ({ connection, show }) => {
        await show(inputDates);
        return await connection.runAndReadAll(select);
      });
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
    replaceDates: (request) => inLane((lane) => replaceDates(lane, request)),
  };

  async function replaceDates(lane: Lane, request: ReplaceDates): Promise<ReplacedDates> {
    const { table: name, selects, dates, transactions, expected, inputDates, onlyNewRows } = request;
    const definition = writtenTable(name);
    const table = await openOrCreate(definition);
    const schema = goldSchema(definition.columns);
    try {
      await lane.show(inputDates);
      const { selects: written, only } = await replacementOf(lane, definition, table, request);
      const { version } = await table.replaceWhere(
        dates === 'all' ? [{}] : dates.map((date) => ({ [definition.dateColumn]: date })),
        written,
        {
          // One writer a lane: what a writer of Parquet holds is memory that DuckDB's limit does not bound.
          connection: lane.connection,
          ...(only === undefined ? {} : { only }),
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
      const made = [
        ...(selects.length > 1 ? [piecesOf(definition)] : []),
        ...(request.replacing === undefined ? [] : [keysOf(definition), foundOf(definition)]),
      ];
      if (made.length > 0)
        await lane.connection.run(made.map((each) => `DROP TABLE IF EXISTS ${each}`).join('; '));
    }
  }
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

function outOfMemory(cause: unknown): PipelineError {
  return new PipelineError({
    code: 'refresh-out-of-memory',
    message: 'A refresh of Gold needs more memory than it may have.',
    hint: 'It is tried in smaller pieces, and later again. Nothing is lost: Gold stays as it is until then.',
    retryable: true,
    cause,
  });
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

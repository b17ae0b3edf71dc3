import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { openTable, recordCount, type AddFile, type DeltaTable, type OpenStore } from '@clicklake/delta-lake';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import type { Engine, EngineSession, WrittenTable } from './engine.ts';
import { openDuckdbSession, schemasOf } from './duckdb-session.ts';
import { keepTablesOpen, type OpenTables } from './open-tables.ts';
import { dropSchemasSql, type LaneConnection } from './session-lanes.ts';

export interface DuckdbEngineOptions {
  readonly files: FileSystem;
  readonly openStore: OpenStore;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  /** Where each source's Delta table lies, by `source.table`. */
  readonly sources: Readonly<Record<string, string>>;
  /** The directory that holds one directory for each written table. */
  readonly directory: string;
  /** Where queries that outgrow their memory spill; emptied at the start. */
  readonly scratch: string;
  /** MiB of DuckDB's own memory; more goes to `scratch`. */
  readonly memoryLimitMb: number;
  readonly threads: number;
}

/** The first is DuckDB's own. */
const laneDatabases = ['memory', 'beside'] as const;

/** What outlives a session: opening it anew would read every log again. */
interface Workshop {
  readonly duckdb: DuckDBInstance;
  readonly tables: OpenTables;
  close(): Promise<void>;
}

/** The engine over `packages/delta-lake`, in a DuckDB of its own: it takes no memory of ingest's or of queries. */
export function createDuckdbEngine(options: DuckdbEngineOptions): Engine {
  let workshop: Promise<Workshop> | undefined;
  let session: Promise<EngineSession> | undefined;
  const counts = new WeakMap<AddFile, number>();

  /** Parsing statistics is most of the work of pinning a table with thousands of files. */
  function rowsOf(file: AddFile): number {
    const known = counts.get(file) ?? recordCount(file.stats) ?? 0;
    counts.set(file, known);
    return known;
  }

  /** One that could not be opened holds nothing, and must not stand in the way of the next. */
  async function endSession(): Promise<void> {
    const last = session;
    session = undefined;
    await (await last?.catch(() => undefined))?.close();
  }

  async function open(tables: readonly WrittenTable[]): Promise<EngineSession> {
    const { openStore, crashPoints, clock } = options;
    workshop ??= openWorkshop(options).catch((error: unknown) => {
      workshop = undefined;
      throw error;
    });
    const { duckdb, tables: kept } = await workshop;
    const found = new Map<string, DeltaTable>();
    const places = [
      ...Object.entries(options.sources).map(([name, directory]) => [`source ${name}`, directory] as const),
      ...tables.map(({ name }) => [`model ${name}`, join(options.directory, name)] as const),
    ];
    for (const [key, directory] of places) {
      const table = await kept.open(directory);
      if (table !== undefined) found.set(key, table);
    }
    await using opened = new AsyncDisposableStack();
    const lanes: LaneConnection[] = [];
    // Until the next session its rows would only take memory.
    const drop = dropSchemasSql(schemasOf(Object.keys(options.sources)));
    for (const database of laneDatabases) {
      const connection = await connect(duckdb, database, opened);
      opened.defer(() => connection.run(drop).then(nothing, nothing));
      lanes.push({ database, connection });
    }
    const inner = await openDuckdbSession({
      lanes,
      found,
      tables,
      sources: Object.keys(options.sources),
      create: (name) => ({
        store: openStore(join(options.directory, name)),
        options: { duckdb, crashPoints, clock },
      }),
      rowsOf,
    });
    const resources = opened.move();
    let closed: Promise<void> | undefined;
    return { ...inner, close: () => (closed ??= resources.disposeAsync()) };
  }

  return {
    dialect: 'duckdb',
    async openSession(tables) {
      await endSession();
      session = open(tables);
      return await session;
    },
    async close() {
      await endSession();
      const last = workshop;
      workshop = undefined;
      await (await last?.catch(() => undefined))?.close();
    },
  };
}

async function openWorkshop(options: DuckdbEngineOptions): Promise<Workshop> {
  const { files, openStore, crashPoints, clock, scratch } = options;
  await rm(scratch, { recursive: true, force: true });
  await files.makeDirectory(scratch);
  await using opened = new AsyncDisposableStack();
  const duckdb = opened.adopt(await openDuckdb(options), (instance) => instance.closeSync());
  const [, ...attached] = laneDatabases;
  const connection = await duckdb.connect();
  try {
    for (const database of attached) await connection.run(`ATTACH ':memory:' AS ${database}`);
  } finally {
    connection.closeSync();
  }
  const tables = keepTablesOpen((directory) =>
    openTable(openStore(directory), { duckdb, crashPoints, clock }),
  );
  opened.defer(() => tables.close());
  const resources = opened.move();
  return { duckdb, tables, close: () => resources.disposeAsync() };
}

async function connect(
  duckdb: DuckDBInstance,
  database: string,
  opened: AsyncDisposableStack,
): Promise<DuckDBConnection> {
  const connection = opened.adopt(await duckdb.connect(), (own) => own.closeSync());
  await connection.run(`SET TimeZone = 'UTC'; USE ${database}`);
  return connection;
}

function openDuckdb({ scratch, memoryLimitMb, threads }: DuckdbEngineOptions): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: String(threads),
    temp_directory: scratch,
    // The order of rows means nothing in Gold, and keeping it would cost memory.
    preserve_insertion_order: 'false',
    // A refresh reads new files: what it has read is of no more use to the next.
    enable_external_file_cache: 'false',
    // Between refreshes this process has other uses for the memory.
    allocator_flush_threshold: '16MB',
    allocator_bulk_deallocation_flush_threshold: '16MB',
    allocator_background_threads: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

function nothing(): void {
  // What is left is dropped by the next session.
}

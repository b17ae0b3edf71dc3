import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { localStore, openTable, isDeltaError, type DeltaTable } from '@clicklake/delta-lake';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Engine, EngineSession, WrittenTable } from './engine.ts';
import { openDuckdbSession } from './duckdb-session.ts';

export interface DuckdbEngineOptions {
  readonly files: FileSystem;
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

/** The engine over `packages/delta-lake`, in a DuckDB of its own: it takes no memory of ingest's or of queries. */
export function createDuckdbEngine(options: DuckdbEngineOptions): Engine {
  let session: Promise<EngineSession> | undefined;

  /** One that could not be opened holds nothing, and must not stand in the way of the next. */
  async function endLast(): Promise<void> {
    const last = session;
    session = undefined;
    await (await last?.catch(() => undefined))?.close();
  }

  async function open(tables: readonly WrittenTable[]): Promise<EngineSession> {
    const { files, crashPoints, clock, scratch } = options;
    await using opened = new AsyncDisposableStack();
    await rm(scratch, { recursive: true, force: true });
    await files.makeDirectory(scratch);
    const duckdb = opened.adopt(await openDuckdb(options), (instance) => instance.closeSync());
    const openOne = async (directory: string): Promise<DeltaTable | undefined> => {
      try {
        const table = await openTable(localStore(directory, files), { duckdb, crashPoints, clock });
        opened.defer(() => table.close());
        return table;
      } catch (error) {
        if (isDeltaError(error, 'delta-table-not-found')) return undefined;
        throw error;
      }
    };
    const found = new Map<string, DeltaTable>();
    for (const [name, directory] of Object.entries(options.sources)) {
      const table = await openOne(directory);
      if (table !== undefined) found.set(`source ${name}`, table);
    }
    for (const { name } of tables) {
      const table = await openOne(join(options.directory, name));
      if (table !== undefined) found.set(`model ${name}`, table);
    }
    const connection = opened.adopt(await duckdb.connect(), (own) => own.closeSync());
    const inner = await openDuckdbSession({
      connection,
      found,
      tables,
      sources: Object.keys(options.sources),
      create: (name) => ({
        store: localStore(join(options.directory, name), files),
        options: { duckdb, crashPoints, clock },
      }),
    });
    const resources = opened.move();
    let closed: Promise<void> | undefined;
    return { ...inner, close: () => (closed ??= resources.disposeAsync()) };
  }

  return {
    dialect: 'duckdb',
    async openSession(tables) {
      await endLast();
      session = open(tables);
      return await session;
    },
    close: endLast,
  };
}

function openDuckdb({ scratch, memoryLimitMb, threads }: DuckdbEngineOptions): Promise<DuckDBInstance> {
  return DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: String(threads),
    temp_directory: scratch,
    // The order of rows means nothing in Gold, and keeping it would cost memory.
    preserve_insertion_order: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

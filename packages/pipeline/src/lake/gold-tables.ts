import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { isDeltaError, openTable, type DeltaTable, type OpenStore } from '@clicklake/delta-lake';
import type { DuckDBInstance } from '@duckdb/node-api';

/** The Gold tables that there are, by name. They come with the first refresh, and are only read here. */
export interface GoldTables {
  all(): Promise<ReadonlyMap<string, DeltaTable>>;
  close(): Promise<void>;
}

export interface GoldTablesOptions {
  readonly directory: string;
  /** Which tables there are is looked up in it. */
  readonly files: FileSystem;
  readonly openStore: OpenStore;
  readonly duckdb: DuckDBInstance;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
}

export function openGoldTables({ directory, files, openStore, ...options }: GoldTablesOptions): GoldTables {
  const opened = new Map<string, DeltaTable>();
  let looking: Promise<unknown> = Promise.resolve();

  async function look(): Promise<ReadonlyMap<string, DeltaTable>> {
    for (const name of (await files.list(directory)).sort()) {
      if (opened.has(name) || !/^[a-z][a-z0-9_]*$/.test(name)) continue;
      const table = await openIfThere(name);
      if (table !== undefined) opened.set(name, table);
    }
    return opened;
  }

  async function openIfThere(name: string): Promise<DeltaTable | undefined> {
    try {
      return await openTable(openStore(join(directory, name)), options);
    } catch (error) {
      // A refresh is just making it, or somebody keeps other things here.
      if (isDeltaError(error, 'delta-table-not-found')) return undefined;
      throw error;
    }
  }

  return {
    all() {
      const found = looking.then(look);
      looking = found.catch(() => undefined);
      return found;
    },
    async close() {
      await looking;
      for (const table of opened.values()) await table.close();
      opened.clear();
    },
  };
}

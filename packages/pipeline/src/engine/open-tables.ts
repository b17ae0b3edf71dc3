import { isDeltaError, type DeltaTable, type StoredObject } from '@clicklake/delta-lake';

/**
 * Tables that stay open from one session to the next: their logs are read once, and then entry by entry. One that is
 * not the same any more (reset, or deleted to be made anew), or whose log has been cleaned past what the handle knows,
 * is opened again.
 */
export interface OpenTables {
  /** Undefined while there is no table. */
  open(directory: string): Promise<DeltaTable | undefined>;
  close(): Promise<void>;
}

interface OpenedTable {
  readonly table: DeltaTable;
  /** The newest entry of the log when it was last asked for: as long as it is there, so is the table. */
  readonly entry: StoredObject | undefined;
}

export function keepTablesOpen(openTable: (directory: string) => Promise<DeltaTable>): OpenTables {
  const opened = new Map<string, OpenedTable>();

  async function remember(directory: string, table: DeltaTable): Promise<DeltaTable> {
    const { version } = await table.snapshot();
    const key = `_delta_log/${String(version).padStart(20, '0')}.json`;
    opened.set(directory, { table, entry: await table.store.head(key) });
    return table;
  }

  async function forget(directory: string): Promise<void> {
    const { table } = opened.get(directory) ?? {};
    opened.delete(directory);
    await table?.close();
  }

  return {
    async open(directory) {
      const known = opened.get(directory);
      if (known !== undefined && (await isThere(known))) return await remember(directory, known.table);
      await forget(directory);
      try {
        const table = await openTable(directory);
        opened.set(directory, { table, entry: undefined });
        return await remember(directory, table);
      } catch (error) {
        if (isDeltaError(error, 'delta-table-not-found')) return undefined;
        throw error;
      }
    },
    async close() {
      for (const directory of [...opened.keys()]) await forget(directory);
    },
  };
}

/** A handle finds the next entry by its number, so the one that it knows must not be lost to clean-up meanwhile. */
async function isThere({ table, entry }: OpenedTable): Promise<boolean> {
  if (entry === undefined) return false;
  const found = await table.store.head(entry.key);
  return found?.size === entry.size && found.modifiedMs === entry.modifiedMs;
}

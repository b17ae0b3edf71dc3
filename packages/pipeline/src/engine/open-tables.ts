import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeltaError, type DeltaTable } from '@clicklake/delta-lake';

/**
 * Tables that stay open from one session to the next: their logs are read once, and then entry by entry. One whose
 * directory is not the same any more (reset, or deleted to be made anew), or whose log has been cleaned past what the
 * handle knows, is opened again.
 */
export interface OpenTables {
  /** Undefined while there is no table. */
  open(directory: string): Promise<DeltaTable | undefined>;
  close(): Promise<void>;
}

export function keepTablesOpen(openTable: (directory: string) => Promise<DeltaTable>): OpenTables {
  const opened = new Map<string, { readonly table: DeltaTable; readonly identity: string }>();

  async function forget(directory: string): Promise<void> {
    const { table } = opened.get(directory) ?? {};
    opened.delete(directory);
    await table?.close();
  }

  return {
    async open(directory) {
      const identity = await identityOf(directory);
      const known = opened.get(directory);
      if (known !== undefined && known.identity === identity && (await isInLog(directory, known.table)))
        return known.table;
      await forget(directory);
      if (identity === undefined) return undefined;
      try {
        const table = await openTable(directory);
        opened.set(directory, { table, identity });
        return table;
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

/** A handle finds the next entry by its number: it must not be lost to clean-up meanwhile. */
async function isInLog(directory: string, table: DeltaTable): Promise<boolean> {
  const { version } = await table.snapshot();
  const entry = join(directory, '_delta_log', `${String(version).padStart(20, '0')}.json`);
  return (await stat(entry).catch(() => undefined)) !== undefined;
}

/** Undefined: there is no log. */
async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { ino, birthtimeMs } = await stat(join(directory, '_delta_log'));
    return `${ino} ${birthtimeMs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

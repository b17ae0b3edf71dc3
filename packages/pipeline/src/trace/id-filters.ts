import { basename, join } from 'node:path';
import { recordCount, type AddFile, type DeltaTable, type Snapshot } from '@clicklake/delta-lake';
import { writeFileDurably, type FileSystem } from '@clicklake/durable-files';
import type { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { createFilter, filterPage, filterPageBytes, isSound, mayHoldId, type IdHash } from './id-filter.ts';
import { filesSql } from './table-rows.ts';

/**
 * Filters of the event_ids of Silver's larger files, kept beside the lake: a data file never changes, so its filter
 * never goes stale, and any of them may be deleted at any time. The owner makes them, everybody may read them.
 */
export interface IdFilters {
  /** Files that may hold the id: all of those without a filter, and of the others those that it lets through. */
  select(
    connection: DuckDBConnection,
    files: readonly AddFile[],
    eventId: string,
  ): Promise<readonly AddFile[]>;
  /** Makes those that are missing or damaged and takes away those of files that are gone. Ends early when told to. */
  make(
    connection: DuckDBConnection,
    table: DeltaTable,
    snapshot: Snapshot,
    files: readonly AddFile[],
    signal: AbortSignal,
  ): Promise<void>;
}

/** Fewer ids are read as quickly as a filter. */
const leastRows = 20_000;
/** 24 MB of filter while it is made. */
const mostRows = 16_000_000;
const suffix = '.ids';

export function openIdFilters(directory: string, files: FileSystem): IdFilters {
  const pathOf = (file: AddFile): string => join(directory, nameOf(file));

  async function mayHold(file: AddFile, hash: IdHash): Promise<boolean> {
    try {
      const filter = await files.open(pathOf(file), 'read');
      try {
        const page = filterPage(hash, await filter.size());
        return mayHoldId(
          await filter.read(page * filterPageBytes, filterPageBytes),
          page,
          nameOf(file),
          hash,
        );
      } finally {
        await filter.close();
      }
    } catch {
      // Whatever keeps a filter from being read, the data file can be.
      return true;
    }
  }

  async function makeOne(
    connection: DuckDBConnection,
    table: DeltaTable,
    snapshot: Snapshot,
    file: AddFile,
    signal: AbortSignal,
  ): Promise<void> {
    const filter = createFilter(recordCount(file.stats) ?? 0, nameOf(file));
    const result = await connection.stream(
      `SELECT md5_number_lower(event_id) FROM ${filesSql(table, snapshot, [file])} WHERE event_id IS NOT NULL`,
    );
    for (;;) {
      signal.throwIfAborted();
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      const vector = duckdb.data_chunk_get_vector(chunk.chunk, 0);
      const bytes = Uint8Array.from(duckdb.vector_get_data(vector, chunk.rowCount * 8));
      const words = new Uint32Array(bytes.buffer);
      for (let row = 0; row < chunk.rowCount; row += 1)
        filter.add({ low: words[2 * row] ?? 0, high: words[2 * row + 1] ?? 0 });
    }
    await writeFileDurably(files, pathOf(file), filter.seal());
  }

  return {
    async select(connection, candidates, eventId) {
      const known = new Set(await files.list(directory));
      if (known.size === 0) return candidates;
      const hash = await hashOfId(connection, eventId);
      const selected: AddFile[] = [];
      for (const file of candidates)
        if (!known.has(nameOf(file)) || (await mayHold(file, hash))) selected.push(file);
      return selected;
    },
    async make(connection, table, snapshot, candidates, signal) {
      const known = new Set(await files.list(directory));
      await files.makeDirectory(directory);
      for (const file of candidates) {
        if (signal.aborted) return;
        const rows = recordCount(file.stats) ?? 0;
        if (rows < leastRows || rows > mostRows) continue;
        // Few that have one are read all the same: they hold the id, or what is there is damaged.
        if (known.has(nameOf(file)) && isSound(await files.readFile(pathOf(file)), nameOf(file))) continue;
        await makeOne(connection, table, snapshot, file, signal);
      }
      const live = new Set([...snapshot.files.values()].map(nameOf));
      for (const name of known) if (!live.has(name)) await files.remove(join(directory, name));
    },
  };
}

/** Data files have unique names (write-once UUIDs), whatever directory they lie in. */
function nameOf({ path }: AddFile): string {
  return `${basename(path)}${suffix}`;
}

async function hashOfId(connection: DuckDBConnection, eventId: string): Promise<IdHash> {
  const found = await connection.runAndReadAll('SELECT md5_number_lower($1)', [eventId]);
  const value = found.getRows()[0]?.[0];
  if (typeof value !== 'bigint') throw new TypeError('DuckDB gave no hash.');
  return { low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) };
}

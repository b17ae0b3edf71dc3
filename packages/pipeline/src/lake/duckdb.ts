import { availableParallelism } from 'node:os';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { nodeFileSystem } from '@clicklake/durable-files';

/**
 * Two statements run at a time, a tick's and a commit's: together they fill the cores. With both on all cores
 * either takes up to half as much CPU time again, since a parallel CREATE TABLE that keeps the lines' order
 * writes its rows twice.
 */
function statementThreads(): number {
  return Math.max(1, Math.floor(availableParallelism() / 2));
}

/** A DuckDB for our own statements, in memory, spilling below `scratch`. User SQL never runs in it (S6.4). */
export async function openLakeDuckdb(scratch: string, memoryLimitMb: number): Promise<DuckDBInstance> {
  await nodeFileSystem.makeDirectory(scratch);
  return DuckDBInstance.create(':memory:', {
    memory_limit: `${memoryLimitMb}MB`,
    threads: String(statementThreads()),
    temp_directory: scratch,
    // rowid is the line number only while insertion order is kept (tick-table.ts).
    preserve_insertion_order: 'true',
    // The system's page cache holds the same bytes: of theirs a process would only be the larger.
    enable_external_file_cache: 'false',
    // What statements gave back goes back to the system, also when none comes after.
    allocator_background_threads: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

export async function utcConnection(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  return connection;
}

import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

import { quoteLiteral } from '../sql-literal.ts';

/** Complete settings of the DuckDB instance that runs user SQL. */
export interface InstanceSettings {
  readonly memoryLimitMb: number;
  readonly threads: number;
  /** Where a query may spill; none: it fails instead. */
  readonly tempDirectory: string | undefined;
  readonly maxTempDirectoryMb: number;
  readonly readableDirectories: readonly string[];
}

/** What user SQL runs in, and the connection that brings the tail into it. */
export interface UserInstance {
  readonly instance: DuckDBInstance;
  readonly tailConnection: DuckDBConnection;
}

/** The schema of tail generations: outside the search path, so that no bare name finds them. */
export const tailSchema = 'live';

/**
 * A DuckDB instance for user SQL and for nothing else (S6.4). The judge of the sandbox is what keeps
 * users to reading our tables; the settings here are the second line of defence: files only below
 * `readableDirectories`, no extension beyond those linked in, no setting changed afterwards.
 */
export async function openInstance(settings: InstanceSettings): Promise<UserInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${settings.memoryLimitMb}MiB`,
    threads: String(settings.threads),
    temp_directory: settings.tempDirectory ?? '',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
  });
  const connection = await instance.connect();
  const tailConnection = await instance.connect();
  try {
    if (settings.tempDirectory !== undefined) {
      // As an option of `create` DuckDB 1.5.5 shows this limit and does not keep to it.
      await connection.run(`SET GLOBAL max_temp_directory_size = '${settings.maxTempDirectoryMb}MiB'`);
    }
    const directories = settings.readableDirectories.map((directory) => quoteLiteral(withSlash(directory)));
    await connection.run(`
      CREATE SCHEMA ${tailSchema};
      SET GLOBAL TimeZone = 'UTC';
      SET GLOBAL parquet_metadata_cache = true;
      -- The operating system's page cache holds the same bytes; measured, theirs only costs memory.
      SET GLOBAL enable_external_file_cache = false;
      -- What statements gave back goes back to the system, also when none comes after.
      SET GLOBAL allocator_background_threads = true;
      SET GLOBAL allowed_directories = [${directories.join(', ')}];
      SET GLOBAL enable_external_access = false;
    `);
    // Files of the tail are read once, four a second: their metadata would stay until memory is full.
    await tailConnection.run('SET SESSION parquet_metadata_cache = false');
    await connection.run('SET GLOBAL lock_configuration = true');
    return { instance, tailConnection };
  } catch (error) {
    tailConnection.closeSync();
    throw error;
  } finally {
    connection.closeSync();
  }
}

/** Without it `/lake` would open `/lake-secrets` as well. */
function withSlash(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}

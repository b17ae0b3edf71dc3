import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import type { EventLog } from '@clicklake/event-log';
import type { LakePaths } from '../lake-paths.ts';
import type { LakeReader } from '../lake-service.ts';
import { openLakeDuckdb, utcConnection } from './duckdb.ts';
import { lakeReading } from './lake-reading.ts';
import { openExistingTables } from './lake-tables.ts';

export interface LakeReaderOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly log: EventLog;
  readonly clock: () => number;
  readonly memoryLimitMb: number;
}

/** Reads a lake that this process does not own: committed tables only (S6.1). Undefined: there is none yet. */
export async function openLakeReader(options: LakeReaderOptions): Promise<LakeReader | undefined> {
  const { paths, files, crashPoints, clock } = options;
  // The home may be read-only here, and its scratch belongs to the owner.
  const scratch = await mkdtemp(join(tmpdir(), 'clicklake-'));
  const duckdb = await openLakeDuckdb(scratch, options.memoryLimitMb);
  const tables = await openExistingTables({ paths, files, duckdb, crashPoints, clock });
  if (tables === undefined) {
    duckdb.closeSync();
    await rm(scratch, { recursive: true, force: true });
    return undefined;
  }
  const connection = await utcConnection(duckdb);
  const reader = await options.log.openReader();
  let closed: Promise<void> | undefined;
  return {
    ...lakeReading({ paths, tables, log: reader, connection }),
    close: () =>
      (closed ??= (async () => {
        await reader.close();
        for (const table of Object.values(tables)) await table.close();
        connection.closeSync();
        duckdb.closeSync();
        await rm(scratch, { recursive: true, force: true });
      })()),
  };
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import type { OpenStore } from '@clicklake/delta-lake';
import type { EventLog } from '@clicklake/event-log';
import type { LakePaths } from '../lake-paths.ts';
import type { LakeReader } from '../lake-service.ts';
import { openRemovals } from '../ledger/removals.ts';
import { openLakeDuckdb, utcConnection } from './duckdb.ts';
import { openGoldTables } from './gold-tables.ts';
import { createLakeTrace } from './lake-trace.ts';
import { lakeReading } from './lake-reading.ts';
import { openExistingTables } from './lake-tables.ts';

export interface LakeReaderOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  /** Where the tables lie. */
  readonly openStore: OpenStore;
  readonly crashPoints: CrashPoints;
  readonly log: EventLog;
  readonly clock: () => number;
  readonly memoryLimitMb: number;
  /** The dbt project that Gold is made by; that of the repository by default. */
  readonly modelsDirectory?: string;
}

/**
 * Reads a lake that this process does not own: committed tables only (S6.1). Writes nothing into its home,
 * which may be read-only.
 *
 * @returns undefined while there is no lake yet.
 */
export async function openLakeReader(options: LakeReaderOptions): Promise<LakeReader | undefined> {
  const { paths, files, openStore, crashPoints, clock } = options;
  await using opened = new AsyncDisposableStack();
  const scratch = opened.adopt(await mkdtemp(join(tmpdir(), 'clicklake-reader-')), (directory) =>
    rm(directory, { recursive: true, force: true }),
  );
  const duckdb = opened.adopt(await openLakeDuckdb(scratch, options.memoryLimitMb), (instance) =>
    instance.closeSync(),
  );
  const tables = await openExistingTables({ paths, openStore, duckdb, crashPoints, clock });
  if (tables === undefined) return undefined;
  for (const table of Object.values(tables)) opened.defer(() => table.close());
  const removals = opened.adopt(
    openRemovals({ store: openStore(paths.removals), duckdb, crashPoints, clock }),
    (own) => own.close(),
  );
  const connection = opened.adopt(await utcConnection(duckdb), (own) => own.closeSync());
  const reader = opened.adopt(await options.log.openReader(), (own) => own.close());
  const gold = opened.adopt(
    openGoldTables({ directory: paths.gold, files, openStore, duckdb, crashPoints, clock }),
    (own) => own.close(),
  );
  const { modelsDirectory } = options;
  const tracing = opened.adopt(
    createLakeTrace({
      paths,
      files,
      duckdb,
      tables,
      gold,
      log: reader,
      ingest: null,
      ...(modelsDirectory === undefined ? {} : { modelsDirectory }),
    }),
    (own) => own.close(),
  );
  const reading = lakeReading({
    paths,
    tables,
    removals,
    log: reader,
    connection,
    connect: () => utcConnection(duckdb),
    gold,
    trace: (eventId) => tracing.trace(eventId),
  });
  opened.defer(() => reading.idle());
  const resources = opened.move();
  let closed: Promise<void> | undefined;
  return {
    ...reading,
    close: () => (closed ??= resources.disposeAsync()),
  };
}

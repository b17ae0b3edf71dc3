import type { AddFile, Snapshot } from '@clicklake/delta-lake';
import type { FileSystem } from '@clicklake/durable-files';
import type { LogReader } from '@clicklake/event-log';
import type { LakePaths } from '../lake-paths.ts';
import type { DuckDBInstance } from '@duckdb/node-api';
import { createProjectCache } from '../models/index.ts';
import type { EventTrace } from '../trace/event-trace.ts';
import { openIdFilters } from '../trace/id-filters.ts';
import { mostInFlightBytes as mostReadOfLog } from '../trace/log-record.ts';
import type { LiveIngest } from '../trace/live-ingest.ts';
import { traceEvent } from '../trace/trace-event.ts';
import { openConnections } from './connections.ts';
import { utcConnection } from './duckdb.ts';
import type { GoldTables } from './gold-tables.ts';
import { ownModels } from './gold-refresh.ts';
import type { LakeTables } from './lake-tables.ts';

export interface LakeTraceOptions {
  readonly paths: Pick<LakePaths, 'idFilters'>;
  readonly files: FileSystem;
  readonly duckdb: DuckDBInstance;
  readonly tables: LakeTables;
  readonly gold: GoldTables;
  readonly log: LogReader;
  readonly ingest: LiveIngest | null;
  readonly modelsDirectory?: string;
  /** Bytes of the log that a trace reads at most; 256 MiB by default. */
  readonly mostInFlightBytes?: number;
}

/** Traces of one lake, one after another. */
export interface LakeTrace {
  trace(eventId: string): Promise<EventTrace>;
  /** After what is under way. Idempotent. */
  close(): Promise<void>;
}

/** Of one trace: more would take threads and memory from ingest. */
const statementsAtOnce = 2;

/**
 * Looks on connections of its own: a long look must not hold up what the others ask. Where an owner has had to read
 * ids, it makes filters of them afterwards, so that the next look need not.
 */
export function createLakeTrace({
  paths,
  files,
  duckdb,
  modelsDirectory = ownModels,
  mostInFlightBytes = mostReadOfLog,
  ...options
}: LakeTraceOptions): LakeTrace {
  const filters = openIdFilters(paths.idFilters, files);
  const project = createProjectCache(modelsDirectory);
  const stop = new AbortController();
  const connections = openConnections(duckdb, statementsAtOnce);
  let last: Promise<unknown> = Promise.resolve();
  let making: Promise<void> | undefined;

  async function makeFilters(snapshot: Snapshot, read: readonly AddFile[]): Promise<void> {
    const own = await utcConnection(duckdb);
    try {
      await filters.make(own, options.tables.silver, snapshot, read, stop.signal);
    } catch {
      // A look without a filter takes longer and says the same; the next one tries again.
    } finally {
      own.closeSync();
      making = undefined;
    }
  }

  return {
    trace(eventId) {
      const result = last.then(async () =>
        traceEvent(
          {
            ...options,
            mostInFlightBytes,
            project,
            filters,
            onRead(snapshot, read) {
              if (options.ingest === null || stop.signal.aborted || read.length === 0) return;
              making ??= makeFilters(snapshot, read);
            },
            connections,
          },
          eventId,
        ),
      );
      last = result.catch(() => undefined);
      return result;
    },
    async close() {
      stop.abort();
      await last;
      await making;
      await connections.close();
    },
  };
}

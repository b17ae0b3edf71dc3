import type { LogReader } from '@clicklake/event-log';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { loadProject } from '../models/index.ts';
import type { EventTrace } from '../trace/event-trace.ts';
import type { LiveIngest } from '../trace/live-ingest.ts';
import { traceEvent } from '../trace/trace-event.ts';
import { utcConnection } from './duckdb.ts';
import type { GoldTables } from './gold-tables.ts';
import { ownModels } from './gold-refresh.ts';
import type { LakeTables } from './lake-tables.ts';

export interface LakeTraceOptions {
  readonly duckdb: DuckDBInstance;
  readonly tables: LakeTables;
  readonly gold: GoldTables;
  readonly log: LogReader;
  readonly ingest: LiveIngest | null;
  readonly modelsDirectory?: string;
}

/** Traces of one lake, one after another. */
export interface LakeTrace {
  trace(eventId: string): Promise<EventTrace>;
  /** After what is under way. Idempotent. */
  close(): Promise<void>;
}

/** Looks on a connection of its own: a long look must not hold up what the others ask. */
export function createLakeTrace({
  duckdb,
  modelsDirectory = ownModels,
  ...options
}: LakeTraceOptions): LakeTrace {
  let connection: Promise<DuckDBConnection> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    trace(eventId) {
      const result = last.then(async () =>
        traceEvent(
          {
            ...options,
            connection: await (connection ??= utcConnection(duckdb)),
            // Read anew each time, as a refresh does.
            project: () => loadProject(modelsDirectory),
          },
          eventId,
        ),
      );
      last = result.catch(() => undefined);
      return result;
    },
    async close() {
      await last;
      (await connection)?.closeSync();
      connection = undefined;
    },
  };
}

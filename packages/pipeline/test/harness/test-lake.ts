import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContract, type ContractSettings } from '@clicklake/contract';
import { localStore, type OpenStore } from '@clicklake/delta-lake';
import { nodeFileSystem, noCrashPoints, type CrashPoints, type FileSystem } from '@clicklake/durable-files';
import {
  openEmbeddedLog,
  type EmbeddedLogOptions,
  type EventLog,
  type LogWriter,
  type NewRecord,
} from '@clicklake/event-log';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { QueryEngine } from '@clicklake/query';
import {
  defaultIngestSettings,
  defaultMaintenanceSettings,
  lakePaths,
  noJobsByThemselves,
  openLakeOwner,
  openLakeReader,
  type IngestSettings,
  type JobsSettings,
  type LakeOwner,
  type LakePaths,
  type LakeReader,
  type MaintenanceSettings,
} from '@clicklake/pipeline';
import { openLakeDuckdb, utcConnection } from '../../src/lake/duckdb.ts';
import { openOrCreateTables, type LakeTables } from '../../src/lake/lake-tables.ts';

/** Of a workload of a few hundred records many ticks and some commits are made. */
export const smallBatches = { tickBytes: 24_000, commitBytes: 40_000 };

export interface TestLake {
  readonly paths: LakePaths;
  log(options?: Partial<EmbeddedLogOptions>): EventLog;
  /** Appends through a writer of its own, so many records a call. */
  append(records: readonly NewRecord[], perCall?: number): Promise<void>;
  open(options?: OpenTestLake): Promise<LakeOwner>;
  /** As a process that does not own the lake sees it. */
  openReader(files?: FileSystem): Promise<LakeReader>;
  /** The committed tables, for tests that meddle with them. */
  tables(): Promise<OpenedTables>;
  remove(): Promise<void>;
}

export interface OpenTestLake {
  readonly settings?: Partial<IngestSettings>;
  readonly maintenance?: Partial<MaintenanceSettings>;
  /** By default none runs by itself. */
  readonly jobs?: Partial<JobsSettings>;
  readonly logWriter?: LogWriter;
  readonly contract?: Partial<ContractSettings>;
  readonly crashPoints?: CrashPoints;
  readonly queryEngine?: QueryEngine;
  readonly files?: FileSystem;
  /** By default directories, through `files`. */
  readonly openStore?: OpenStore;
  readonly clock?: () => number;
  /** The log to read, when it is not that of `TestLake.log()`. */
  readonly log?: EventLog;
  /** Of ingest's DuckDB; 256 by default, as in the product. */
  readonly memoryLimitMb?: number;
  /** The dbt project; that of the repository by default. */
  readonly modelsDirectory?: string;
}

export interface OpenedTables {
  readonly tables: LakeTables;
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

/** A job that follows every so many commits, as fast as it can. */
export function everyCommits(commits: number): JobsSettings['refresh'] {
  return { schedule: { kind: 'after-commits' }, pace: { commits, leastMs: 0, restFactor: 0 } };
}

/** A home of its own; everything in it is the product's own code over real files. */
export async function createTestLake(home?: string): Promise<TestLake> {
  const directory = home ?? (await mkdtemp(join(tmpdir(), 'clicklake-pipeline-')));
  return testLakeAt(directory);
}

/** @param files under everything durable; `scratch` then lies beside the home, as it is written without them. */
export function testLakeAt(home: string, files: FileSystem = nodeFileSystem): TestLake {
  const own = lakePaths(home);
  const paths = files === nodeFileSystem ? own : { ...own, scratch: `${home}-scratch` };
  const log = (options: Partial<EmbeddedLogOptions> = {}): EventLog =>
    openEmbeddedLog({ directory: paths.log, minFreeBytes: 0, files, ...options });
  return {
    paths,
    log,
    async append(records, perCall = 25) {
      const writer = await log().openWriter();
      for (let from = 0; from < records.length; from += perCall) {
        await writer.append(records.slice(from, from + perCall));
      }
      await writer.close();
    },
    async tables() {
      const duckdb = await openLakeDuckdb(`${paths.home}-scratch`, 256);
      const connection = await utcConnection(duckdb);
      const tables = await openOrCreateTables({
        paths,
        openStore: localStore,
        duckdb,
        crashPoints: noCrashPoints,
        clock: Date.now,
      });
      return {
        tables,
        connection,
        async close() {
          for (const table of Object.values(tables)) await table.close();
          connection.closeSync();
          duckdb.closeSync();
          await rm(`${paths.home}-scratch`, { recursive: true, force: true });
        },
      };
    },
    async openReader(given = files) {
      const reader = await openLakeReader({
        paths,
        files: given,
        openStore: (root) => localStore(root, given),
        crashPoints: noCrashPoints,
        log: openEmbeddedLog({ directory: paths.log, minFreeBytes: 0, files: given }),
        clock: Date.now,
        memoryLimitMb: 256,
      });
      if (reader === undefined) throw new Error('There is no lake.');
      return reader;
    },
    async open(options = {}) {
      const { owner } = await openLakeOwner({
        paths,
        files: options.files ?? files,
        openStore: options.openStore ?? ((root) => localStore(root, options.files ?? files)),
        crashPoints: options.crashPoints ?? noCrashPoints,
        log: options.log ?? log(),
        contract: createContract(options.contract ?? {}),
        settings: { ...defaultIngestSettings, dedupeMemoryBytes: 8 * 1024 * 1024, ...options.settings },
        maintenance: { ...defaultMaintenanceSettings, ...options.maintenance },
        jobs: { ...noJobsByThemselves, ...options.jobs },
        ...(options.logWriter !== undefined && { logWriter: options.logWriter }),
        queryEngine: options.queryEngine ?? null,
        clock: options.clock ?? Date.now,
        role: 'test',
        memoryLimitMb: options.memoryLimitMb ?? 256,
        ...(options.modelsDirectory === undefined ? {} : { modelsDirectory: options.modelsDirectory }),
      });
      return owner;
    },
    async remove() {
      await rm(home, { recursive: true, force: true });
      await rm(`${home}-scratch`, { recursive: true, force: true });
    },
  };
}

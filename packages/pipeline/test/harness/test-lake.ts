import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContract, type ContractSettings } from '@clicklake/contract';
import { nodeFileSystem, noCrashPoints, type CrashPoints, type FileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog, type EmbeddedLogOptions, type EventLog } from '@clicklake/event-log';
import type { QueryEngine } from '@clicklake/query';
import {
  defaultIngestSettings,
  defaultMaintenanceSettings,
  lakePaths,
  openLakeOwner,
  type IngestSettings,
  type LakeOwner,
  type LakePaths,
  type MaintenanceSettings,
} from '@clicklake/pipeline';

export interface TestLake {
  readonly paths: LakePaths;
  log(options?: Partial<EmbeddedLogOptions>): EventLog;
  open(options?: OpenTestLake): Promise<LakeOwner>;
  remove(): Promise<void>;
}

export interface OpenTestLake {
  readonly settings?: Partial<IngestSettings>;
  readonly maintenance?: Partial<MaintenanceSettings>;
  readonly contract?: Partial<ContractSettings>;
  readonly crashPoints?: CrashPoints;
  readonly queryEngine?: QueryEngine;
  readonly files?: FileSystem;
  readonly clock?: () => number;
}

/** A home of its own; everything in it is the product's own code over real files. */
export async function createTestLake(home?: string): Promise<TestLake> {
  const directory = home ?? (await mkdtemp(join(tmpdir(), 'clicklake-pipeline-')));
  return testLakeAt(directory);
}

export function testLakeAt(home: string): TestLake {
  const paths = lakePaths(home);
  const log = (options: Partial<EmbeddedLogOptions> = {}): EventLog =>
    openEmbeddedLog({ directory: paths.log, minFreeBytes: 0, ...options });
  return {
    paths,
    log,
    async open(options = {}) {
      const { owner } = await openLakeOwner({
        paths,
        files: options.files ?? nodeFileSystem,
        crashPoints: options.crashPoints ?? noCrashPoints,
        log: log(),
        contract: createContract(options.contract ?? {}),
        settings: { ...defaultIngestSettings, dedupeMemoryBytes: 8 * 1024 * 1024, ...options.settings },
        maintenance: { ...defaultMaintenanceSettings, enabled: false, ...options.maintenance },
        queryEngine: options.queryEngine ?? null,
        clock: options.clock ?? Date.now,
        role: 'test',
        memoryLimitMb: 256,
      });
      return owner;
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}

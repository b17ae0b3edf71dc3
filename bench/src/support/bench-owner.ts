import { createContract } from '@clicklake/contract';
import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog } from '@clicklake/event-log';
import {
  defaultIngestSettings,
  defaultMaintenanceSettings,
  noJobsByThemselves,
  openLakeOwner,
  type LakeOwner,
  type LakePaths,
} from '@clicklake/pipeline';

/**
 * A lake's owner as `clicklake ingest` has it, which leaves its files as they are written.
 *
 * @param memoryLimitMb of its DuckDB; what the baselines have by default.
 */
export async function openBenchOwner(paths: LakePaths, memoryLimitMb = 1024): Promise<LakeOwner> {
  const { owner } = await openLakeOwner({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: noCrashPoints,
    log: openEmbeddedLog({ directory: paths.log }),
    contract: createContract(),
    settings: defaultIngestSettings,
    maintenance: defaultMaintenanceSettings,
    jobs: noJobsByThemselves,
    queryEngine: null,
    clock: Date.now,
    role: 'bench',
    memoryLimitMb,
  });
  return owner;
}

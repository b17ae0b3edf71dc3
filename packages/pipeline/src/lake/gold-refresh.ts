import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import type { OpenStore } from '@clicklake/delta-lake';
import { createDuckdbEngine } from '../engine/duckdb-engine.ts';
import type { LakePaths } from '../lake-paths.ts';
import { createProjectCache, type ModelProject } from '../models/index.ts';
import { runDataTests } from '../data-tests/test-runner.ts';
import type { TestProgress, TestReport, TestRequest } from '../data-tests/test-report.ts';
import { createRefresher, type Refresher } from '../refresh/refresher.ts';
import { silverSource } from '../refresh/silver-source.ts';

export interface GoldRefreshOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly openStore: OpenStore;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  readonly modelsDirectory?: string;
  readonly refreshMemoryMb?: number;
  /** As `RefreshOptions` has it. */
  readonly rowsPerPiece?: number;
}

/** Refreshes of one lake, each with an engine session of its own: whoever calls holds the claim on Gold. */
export interface GoldRefresh extends Refresher {
  /** Runs the project's data tests on what Gold stands for; the signal lets it end after the test that it is at. */
  test(
    request: TestRequest,
    onProgress: ((progress: TestProgress) => void) | undefined,
    signal: AbortSignal,
  ): Promise<TestReport>;
  /** Idempotent. */
  close(): Promise<void>;
}

/** The repository's own project: a workspace away from here, in the sources and in what is built of them. */
export const ownModels = join(import.meta.dirname, '../../../../models');
const memoryLimitMb = 136;

export function createGoldRefresh(options: GoldRefreshOptions): GoldRefresh {
  const { paths, files, openStore, crashPoints, clock, modelsDirectory = ownModels } = options;
  const pieces = options.rowsPerPiece === undefined ? {} : { rowsPerPiece: options.rowsPerPiece };
  const engine = createDuckdbEngine({
    files,
    openStore,
    crashPoints,
    clock,
    sources: { [silverSource]: paths.tables.silver },
    directory: paths.gold,
    scratch: paths.refreshScratch,
    memoryLimitMb: options.refreshMemoryMb ?? memoryLimitMb,
    threads: 2,
  });

  /** An edited model counts with the next refresh. */
  const currentProject = createProjectCache(modelsDirectory);

  let last: { readonly project: ModelProject; readonly refresher: Refresher } | undefined;

  /** The same one while the project is: it keeps in mind how many rows fit the memory. */
  async function refresher(): Promise<Refresher> {
    const project = await currentProject();
    if (last?.project !== project)
      last = { project, refresher: createRefresher({ engine, project, crashPoints, ...pieces }) };
    return last.refresher;
  }

  return {
    plan: async (request) => (await refresher()).plan(request),
    refresh: async (request, onProgress, signal) => (await refresher()).refresh(request, onProgress, signal),
    async test(request, onProgress, signal) {
      const project = await currentProject();
      return await runDataTests({ engine, project, clock }, request, onProgress, signal);
    },
    close: () => engine.close(),
  };
}

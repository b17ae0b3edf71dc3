import { join } from 'node:path';
import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import { createDuckdbEngine } from '../engine/duckdb-engine.ts';
import type { LakePaths } from '../lake-paths.ts';
import { loadProject } from '../models/index.ts';
import { createRefresher, type Refresher } from '../refresh/refresher.ts';
import { silverSource } from '../refresh/silver-source.ts';

export interface GoldRefreshOptions {
  readonly paths: LakePaths;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly clock: () => number;
  readonly modelsDirectory?: string;
  readonly refreshMemoryMb?: number;
}

/** Refreshes of one lake: one after another, each with an engine session of its own. */
export interface GoldRefresh extends Refresher {
  /** Lets what is under way end after the model it is at. Idempotent. */
  close(): Promise<void>;
}

/** The repository's own project: a workspace away from here, in the sources and in what is built of them. */
export const ownModels = join(import.meta.dirname, '../../../../models');
const memoryLimitMb = 160;

export function createGoldRefresh(options: GoldRefreshOptions): GoldRefresh {
  const { paths, files, crashPoints, clock, modelsDirectory = ownModels } = options;
  const engine = createDuckdbEngine({
    files,
    crashPoints,
    clock,
    sources: { [silverSource]: paths.tables.silver },
    directory: paths.gold,
    scratch: paths.refreshScratch,
    memoryLimitMb: options.refreshMemoryMb ?? memoryLimitMb,
    threads: 2,
  });
  const stopping = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  function serially<Result>(work: (refresher: Refresher) => Promise<Result>): Promise<Result> {
    const result = last.then(async () => {
      stopping.signal.throwIfAborted();
      // Read anew each time: an edited model counts with the next refresh.
      const project = await loadProject(modelsDirectory);
      return await work(createRefresher({ engine, project, crashPoints }));
    });
    last = result.catch(() => undefined);
    return result;
  }

  return {
    plan: (request) => serially((refresher) => refresher.plan(request)),
    refresh: (request, onProgress) =>
      serially((refresher) => refresher.refresh(request, onProgress, stopping.signal)),
    async close() {
      stopping.abort();
      await last;
      await engine.close();
    },
  };
}

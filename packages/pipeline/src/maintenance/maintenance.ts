import type { DeltaTable } from '@clicklake/delta-lake';
import type { LakeTables } from '../lake/lake-tables.ts';
import {
  tableNames,
  type OptimizeOptions,
  type OptimizeResult,
  type TableName,
  type VacuumOptions,
  type VacuumResult,
} from '../lake-service.ts';
import type { MaintenanceSettings } from './maintenance-settings.ts';
import { planUpkeep } from './plan-compaction.ts';

/** OPTIMIZE and VACUUM of the lake's tables, asked for and by themselves; one at a time. */
export interface Maintenance {
  optimize(table: TableName, options: OptimizeOptions): Promise<OptimizeResult>;
  vacuum(table: TableName, options: VacuumOptions): Promise<VacuumResult>;
  /** Runs what rewrites a table in another way, after what is under way and before what comes. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Told after each commit; now and then it is the moment to look for work. */
  noteCommit(): void;
  /** Told of a checkpoint or log clean-up that failed after a commit; undefined: it went well. */
  noteProblem(problem: unknown): void;
  /** What went wrong with the upkeep that runs by itself, until it goes well again. */
  problem(): unknown;
  /** Waits for what is under way. Idempotent. */
  close(): Promise<void>;
}

export interface MaintenanceOptions {
  readonly tables: LakeTables;
  readonly settings: MaintenanceSettings;
  readonly clock: () => number;
}

export function createMaintenance({ tables, settings, clock }: MaintenanceOptions): Maintenance {
  let commits = 0;
  // Once soon after the start: a process that never lives for an hour would otherwise never do it.
  let vacuumedAt = Number.NEGATIVE_INFINITY;
  let problem: unknown;
  let closing = false;
  let last: Promise<unknown> = Promise.resolve();
  let upkeepUnderWay = false;

  /** One after another: two rewrites of one table would only conflict. */
  function serially<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  }

  async function upkeep(): Promise<void> {
    for (const name of tableNames) {
      const table = tables[name];
      for (const planned of planUpkeep(await table.snapshot(), settings)) {
        if (closing) return;
        await table.optimize({
          partitions: planned.partitions,
          smallFileBytes: planned.smallFileBytes,
          targetFileBytes: settings.targetFileBytes,
        });
      }
    }
    if (closing || clock() - vacuumedAt < settings.vacuumIntervalMs) return;
    vacuumedAt = clock();
    for (const name of tableNames) await tables[name].vacuum();
  }

  return {
    optimize: (name, options) => serially(() => optimizeTable(tables[name], options, settings)),
    vacuum: (name, options) =>
      serially(async () => {
        const { keys, bytes, dryRun } = await tables[name].vacuum({
          ...(options.retentionHours === undefined ? {} : { retentionHours: options.retentionHours }),
          dryRun: options.dryRun ?? false,
        });
        return { dryRun, files: keys, bytes };
      }),
    exclusively: serially,
    noteCommit() {
      commits += 1;
      if (!settings.enabled || closing || upkeepUnderWay) return;
      if (commits % settings.commitsBetweenLooks !== 0) return;
      upkeepUnderWay = true;
      serially(upkeep).then(
        () => {
          upkeepUnderWay = false;
          problem = undefined;
        },
        (error: unknown) => {
          upkeepUnderWay = false;
          problem = error;
        },
      );
    },
    noteProblem(found) {
      problem = found;
    },
    problem: () => problem,
    async close() {
      closing = true;
      await last;
    },
  };
}

async function optimizeTable(
  table: DeltaTable,
  options: OptimizeOptions,
  settings: MaintenanceSettings,
): Promise<OptimizeResult> {
  const { since } = options;
  const partitions =
    since === undefined
      ? undefined
      : [...(await table.snapshot()).files.values()]
          .map((file) => file.partitionValues)
          .filter((values) => (values.event_date ?? '') >= since);
  const result = await table.optimize({
    targetFileBytes: options.targetBytes ?? settings.targetFileBytes,
    ...(partitions === undefined ? {} : { partitions }),
    ...(options.sortBy === undefined ? {} : { sortBy: options.sortBy }),
    ...(options.zOrderBy === undefined ? {} : { zOrderBy: options.zOrderBy }),
  });
  return {
    version: result.versions.at(-1) ?? null,
    filesRemoved: result.filesRemoved,
    filesAdded: result.filesAdded,
    bytesRemoved: result.bytesRemoved,
    bytesAdded: result.bytesAdded,
  };
}

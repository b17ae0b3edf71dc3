import type { FileSystem } from '@clicklake/durable-files';
import { jobDescriptions } from '../jobs/job-descriptions.ts';
import type { JobsSettings } from '../jobs/jobs-settings.ts';
import type { JobState } from '../jobs/orchestrator.ts';
import { readRunHistory } from '../jobs/run-history.ts';
import { failingJob, filterRuns, type Run, type RunFilter } from '../jobs/run.ts';
import { scheduleText } from '../jobs/schedule.ts';
import type { LakePaths } from '../lake-paths.ts';

/** What any process can tell of a lake's jobs. */
export interface JobsOnRecord {
  jobs(): Promise<readonly JobState[]>;
  /** Newest first. */
  runs(filter: RunFilter): Promise<readonly Run[]>;
}

export interface JobsOnRecordOptions {
  readonly paths: Pick<LakePaths, 'jobs'>;
  readonly files: FileSystem;
  readonly settings: JobsSettings;
  /** Whether some process owns the lake now, so that what is on record as running may be. */
  readonly hasOwner: () => Promise<boolean>;
}

/** Reads the record beside its writer, or without one: nobody then starts a job by itself. */
export function readJobs({ paths, files, settings, hasOwner }: JobsOnRecordOptions): JobsOnRecord {
  const read = async (): Promise<readonly Run[]> => readRunHistory(files, paths.jobs, await hasOwner());
  return {
    async jobs() {
      const runs = await read();
      return jobDescriptions.map(({ name, description, tables }): JobState => {
        const { schedule } = settings[name];
        const lastRun = runs.find((run) => run.job === name) ?? null;
        return {
          name,
          description,
          tables,
          schedule: scheduleText(schedule),
          enabled: schedule.kind !== 'off',
          running: lastRun?.outcome === 'running',
          lastRun,
          nextRunAt: null,
          failing: failingJob(runs, name),
        };
      });
    },
    runs: async (filter) => filterRuns(await read(), filter),
  };
}

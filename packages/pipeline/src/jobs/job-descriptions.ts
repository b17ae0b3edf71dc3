import type { Job } from './job.ts';

/** What each job is, also for a process that runs none of them. */
export interface JobDescription extends Pick<Job, 'description' | 'tables'> {
  readonly name: 'refresh' | 'maintenance' | 'retention';
}

/** Stands for every table that models make: one refresh writes them all, in one session of the engine. */
export const goldClaim = 'gold';
/** The segments of the event log, which no table is. */
export const logClaim = 'event log';

export const refreshJob: JobDescription = {
  name: 'refresh',
  description: 'Brings the Gold tables up to the newest committed Silver',
  tables: [goldClaim],
};

export const maintenanceJob: JobDescription = {
  name: 'maintenance',
  description: 'Compacts small files, and deletes those that no retained version needs',
  tables: ['silver', 'dead_letters', 'duplicates', goldClaim],
};

export const retentionJob: JobDescription = {
  name: 'retention',
  description: 'Deletes what is past its retention: segments of the log, rows of Silver',
  tables: ['silver', logClaim],
};

export const jobDescriptions: readonly JobDescription[] = [refreshJob, maintenanceJob, retentionJob];

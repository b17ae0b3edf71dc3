import { defaultTableRetentions, type TableRetentions } from './table-retention.ts';

/** When the tables are looked after by themselves. Sizes in bytes, times in milliseconds. */
export interface MaintenanceSettings {
  /** After so many commits the tables are looked at for files to compact: the pace of the job, unless told otherwise. */
  readonly commitsBetweenLooks: number;
  /** A partition with at least this many files below `smallFileBytes` has those packed. */
  readonly smallFiles: number;
  readonly smallFileBytes: number;
  /** A partition with at least this many files below three quarters of the target has all of them packed. */
  readonly mediumFiles: number;
  readonly targetFileBytes: number;
  readonly vacuumIntervalMs: number;
  /** Set in the logs of tables that say otherwise. */
  readonly retentions: TableRetentions;
}

/**
 * Two tiers bound the rewriting: a row is written at its commit, once into a file of some megabytes, and about
 * three times more on the way to one of full size. Files of 512 MB keep a year of 1,000 events/s at some six
 * thousand, and with them every checkpoint small (docs/operations.md has the arithmetic).
 */
export const defaultMaintenanceSettings: MaintenanceSettings = {
  commitsBetweenLooks: 6,
  smallFiles: 30,
  smallFileBytes: 8 * 1024 * 1024,
  mediumFiles: 6,
  targetFileBytes: 512 * 1024 * 1024,
  vacuumIntervalMs: 60 * 60 * 1000,
  retentions: defaultTableRetentions,
};

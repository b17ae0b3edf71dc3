import type { WrittenCheckpoint } from './checkpoint-write.ts';
import type { TableLog } from './table-log.ts';

export interface MaintenanceTasks {
  readonly checkpoint: () => Promise<WrittenCheckpoint>;
  readonly cleanUpLog: () => Promise<unknown>;
}

export interface MaintenanceReport {
  readonly checkpoint?: WrittenCheckpoint;
  readonly maintenanceError?: unknown;
}

/**
 * What follows a commit: a checkpoint once `delta.checkpointInterval` commits have passed since the last one —
 * since the last, not every n-th version, so that one which a crash or an error prevented is made up for —
 * and after it the clean-up of the log. One at a time per handle; a commit meanwhile goes on without.
 */
export function maintenanceAfterCommit(
  log: TableLog,
  tasks: MaintenanceTasks,
): () => Promise<MaintenanceReport> {
  let running = false;
  return async () => {
    const { version, properties } = log.header();
    if (running || version - Math.max(log.checkpointVersion(), 0) < properties.checkpointInterval) return {};
    running = true;
    try {
      const checkpoint = await tasks.checkpoint();
      if (!properties.expiredLogCleanup) return { checkpoint };
      return await tasks.cleanUpLog().then(
        () => ({ checkpoint }),
        (maintenanceError: unknown) => ({ checkpoint, maintenanceError }),
      );
    } catch (maintenanceError) {
      return { maintenanceError };
    } finally {
      running = false;
    }
  };
}

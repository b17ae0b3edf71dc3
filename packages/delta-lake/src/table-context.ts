import type { DuckDBConnection } from '@duckdb/node-api';
import type { CrashPoints } from '@clicklake/durable-files';
import type { CommitRequest } from './log/commit.ts';
import type { StructType } from './schema/schema.ts';
import type { ObjectStore } from './store/object-store.ts';
import type { ParquetOptions, StagedFile } from './data-files/stage-parquet.ts';
import type { CommittedVersion, TableLog } from './log/table-log.ts';
import type { WrittenCheckpoint } from './log/checkpoint-write.ts';

export interface CommitResult extends CommittedVersion {
  /** The checkpoint that was due after this commit, when it was. */
  readonly checkpoint?: WrittenCheckpoint;
  /** Why the checkpoint or log clean-up that was due failed. The commit stands; the next one tries again. */
  readonly maintenanceError?: unknown;
}

export interface StageOptions extends ParquetOptions {
  /** Runs the query and the COPY: for temporary tables of the caller's. The table's own by default. */
  readonly connection?: DuckDBConnection;
  /** The table's schema from this commit on, with the same partition columns: only where every row is replaced. */
  readonly schema?: StructType;
}

/** What every operation on a table works with. */
export interface TableContext {
  readonly store: ObjectStore;
  readonly log: TableLog;
  readonly crashPoints: CrashPoints;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly connect: () => Promise<DuckDBConnection>;
  readonly stage: (select: string, options: StageOptions) => Promise<readonly StagedFile[]>;
  readonly commit: (request: CommitRequest) => Promise<CommitResult>;
}

import { noCrashPoints, nodeFileSystem, type CrashPoints, type FileSystem } from '@clicklake/durable-files';

export interface EmbeddedLogOptions {
  /** Holds one folder per topic, `log.json`, `durable-ends`, the consumer groups and the writer's lock. */
  readonly directory: string;
  readonly files?: FileSystem;
  readonly crashPoints?: CrashPoints;
  /** A segment is closed when the next group would make it larger. Default 128 MiB. */
  readonly segmentBytes?: number;
  /** Of all segments together; beyond it append answers `log-full`. Default: no limit. */
  readonly maxDiskBytes?: number;
  /** Left free on the file system; below it append answers `log-full`. Default 256 MiB. */
  readonly minFreeBytes?: number;
  /** Age of a segment's newest record at which retention deletes it. Default 7 days. */
  readonly retentionMs?: number;
  /** Of all segments together: retention deletes the oldest beyond it. Default: no limit. */
  readonly retentionBytes?: number;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** What the writer's process does, for whoever finds the log locked: `up`, `collect`. */
  readonly role?: string;
}

export type CompleteLogOptions = Required<EmbeddedLogOptions>;

export function completeOptions(given: EmbeddedLogOptions): CompleteLogOptions {
  return {
    directory: given.directory,
    files: given.files ?? nodeFileSystem,
    crashPoints: given.crashPoints ?? noCrashPoints,
    segmentBytes: given.segmentBytes ?? 128 << 20,
    maxDiskBytes: given.maxDiskBytes ?? Number.POSITIVE_INFINITY,
    minFreeBytes: given.minFreeBytes ?? 256 << 20,
    retentionMs: given.retentionMs ?? 7 * 86_400_000,
    retentionBytes: given.retentionBytes ?? Number.POSITIVE_INFINITY,
    clock: given.clock ?? Date.now,
    role: given.role ?? 'event log writer',
  };
}

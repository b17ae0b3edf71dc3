/** When ingest ticks and commits, and how much it takes at once. Times in milliseconds, sizes in bytes. */
export interface IngestSettings {
  /** From one tick to the next when the log has little new: what makes an event visible (S6.1). */
  readonly tickIntervalMs: number;
  /** A tail older than this is committed … */
  readonly commitIntervalMs: number;
  /** … as is one that stands for more bytes of the log than this. */
  readonly commitBytes: number;
  /** How much of the log one tick takes, over all partitions. */
  readonly tickBytes: number;
  /** A tick with more rows than this is not shown in the tail but committed at once: it is catching up. */
  readonly visibleTailRows: number;
  /** Two events with one id are duplicates when received at most this far apart (S3.1). */
  readonly dedupeWindowMs: number;
  readonly dedupeMemoryBytes: number;
  readonly parquetCompression: 'zstd' | 'snappy';
}

export const defaultIngestSettings: IngestSettings = {
  tickIntervalMs: 250,
  commitIntervalMs: 10_000,
  commitBytes: 128 * 1024 * 1024,
  tickBytes: 32 * 1024 * 1024,
  visibleTailRows: 20_000,
  dedupeWindowMs: 7 * 24 * 60 * 60 * 1000,
  dedupeMemoryBytes: 96 * 1024 * 1024,
  parquetCompression: 'zstd',
};

/**
 * The settings, with sizes of which a catch-up fits into the memory of ingest's DuckDB, MiB: three generations and two
 * parsed intakes are tables in it at a time, beside the row groups of two Parquet writers. DuckDB writes tables to disk
 * when it must, but not what a statement has in its hands: with larger ones it fails for want of memory now and then.
 */
export function settingsWithin(settings: IngestSettings, memoryLimitMb: number): IngestSettings {
  const most = Math.floor((memoryLimitMb * 2 ** 20) / 10);
  return {
    ...settings,
    commitBytes: Math.min(settings.commitBytes, most),
    tickBytes: Math.min(settings.tickBytes, most),
  };
}

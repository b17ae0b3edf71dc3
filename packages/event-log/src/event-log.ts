import type { FetchMemory } from './fetch-memory.ts';

/** The topics of the original system. Any implementation serves exactly these two. */
export type Topic = 'clickstream-events' | 'clickstream-errors';

/** Partitions per topic: events are keyed by user, so one user's events stay in order. */
export const topicPartitions: Readonly<Record<Topic, number>> = {
  'clickstream-events': 3,
  'clickstream-errors': 1,
};

export interface NewRecord {
  readonly topic: Topic;
  /** Chooses the partition by Kafka's murmur2 (S1.2); null goes to partition 0. */
  readonly key: string | null;
  /** Any bytes. A string is written as UTF-8, straight into the log's own buffer. */
  readonly value: string | Uint8Array;
  /** Milliseconds since the epoch: the collector's received_at; never decreases within a partition (S1.5). */
  readonly timestamp: number;
  /**
   * Fingerprint of the contract that judged and normalised this value, null when nobody has: ingest takes a
   * value that bears its own contract's fingerprint as valid, and judges every other. Kafka: a record header.
   */
  readonly judgedBy: string | null;
}

/**
 * Records whose bytes lie in one buffer: who appends many small ones at once needs no objects for them. A block
 * is plain data, so it may have been made in another thread.
 */
export interface RecordBlock {
  readonly bytes: Buffer;
  readonly count: number;
  /** Four for each record: where its key starts and ends in `bytes` (−1 and −1: null), and its value. */
  readonly places: Int32Array;
  /** What records have in common, and which of them each record has. */
  readonly kinds: readonly Pick<NewRecord, 'topic' | 'judgedBy'>[];
  readonly kindOf: Uint8Array;
  /** Of all of them, as in `NewRecord`. */
  readonly timestamp: number;
}

/** By record, in the order of the block. */
export interface BlockPositions {
  readonly partitions: Uint8Array;
  readonly offsets: BigInt64Array;
}

export interface RecordPosition {
  readonly partition: number;
  readonly offset: bigint;
}

export interface LogRecord {
  readonly offset: bigint;
  readonly timestamp: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
  readonly judgedBy: string | null;
}

/** Consecutive records of one partition that were appended together. */
export interface RecordBatch {
  readonly baseOffset: bigint;
  /** Offset after the last record: where the next fetch starts. */
  readonly nextOffset: bigint;
  readonly count: number;
  /** Sum of the values' bytes. */
  readonly valueBytes: number;
  /** One answer for the whole batch: records of different judges never share one. */
  readonly judgedBy: string | null;
  /**
   * All values, each followed by a newline, as one slice without a copy; null when some value contains a
   * newline byte or when the batch's offsets are not contiguous, so that line number ≠ offset − baseOffset.
   */
  readonly lines: Uint8Array | null;
  /** Append time of the last record, ms. */
  readonly maxTimestamp: number;
  records(): LogRecord[];
}

export interface OffsetRange {
  readonly from: bigint;
  /** Exclusive. */
  readonly to: bigint;
}

export interface PartitionState {
  readonly topic: Topic;
  readonly partition: number;
  /** First offset still retained. */
  readonly startOffset: bigint;
  /** Offset after the last durable record. */
  readonly endOffset: bigint;
  /** Records ever appended: counted, kept through retention, not a difference of offsets (S4.2). */
  readonly appended: bigint;
  readonly bytes: number;
  readonly segments: number;
  /** Timestamp of the newest durable record, ms; 0 when there has been none. */
  readonly lastTimestamp: number;
  /** Ranges known to be unreadable that nobody has skipped yet: ingest stops before them (S5.1). */
  readonly corrupt: readonly OffsetRange[];
  /** Ranges given up by `skipCorrupt`. */
  readonly skipped: readonly OffsetRange[];
}

/** Next offset to read per partition: `offsets[p]`. */
export type PartitionOffsets = readonly bigint[];

export interface LogWriter {
  /**
   * Resolves when every record is durable (fsynced, or acknowledged by all in-sync replicas), with positions
   * in the order given. Rejects when any of them may not be: nothing is then called accepted, though some may
   * turn out to have been written. Concurrent calls share one group commit. Offsets are assigned in call
   * order, synchronously.
   *
   * @throws EventLogError `log-full` (retryable: the disk limit or ENOSPC before anything was written),
   *   `log-writer-failed` (fatal after an fsync error: reopen), `log-closed`.
   */
  append(records: readonly NewRecord[]): Promise<readonly RecordPosition[]>;
  /** As `append`, of the records of a block, whose memory is free again when this returns. */
  appendBlock(block: RecordBlock): Promise<BlockPositions>;
  /** Newest timestamp over all partitions, ms: a clock that jumped back starts from here. */
  lastTimestamp(): number;
  /** Deletes whole segments past the limits, never one that holds a record at or after `keepFrom`. */
  applyRetention(keepFrom: Readonly<Record<Topic, PartitionOffsets>>): Promise<RetentionReport>;
  /** Verifies the partition, gives up every corrupt range found, durably, and returns what was given up. */
  skipCorrupt(topic: Topic, partition: number): Promise<readonly OffsetRange[]>;
  /** Flushes, releases the lock. Idempotent. */
  close(): Promise<void>;
}

export interface RetentionReport {
  readonly deletedSegments: number;
  readonly deletedBytes: number;
}

export interface LogReader {
  /**
   * Durable records from `from` on, up to about `maxBytes` of values (at least one batch when there is one);
   * an empty array at the end. The first batch may start before `from`: it is then cut to start there.
   * Skipped ranges are passed over silently.
   *
   * @throws EventLogError `log-offset-out-of-range` (below startOffset: deleted; above endOffset: not ours) —
   *   never reset silently; `log-corrupt-range` when the record at `from` itself is unreadable, with topic,
   *   partition, from, to in `details`. A corrupt range further on ends the answer before it.
   * @param memory what the batches may lie in; without it they are valid for good.
   */
  fetch(
    topic: Topic,
    partition: number,
    from: bigint,
    maxBytes: number,
    memory?: FetchMemory,
  ): Promise<readonly RecordBatch[]>;
  /** Counts the readable records from an offset to the durable end by walking them (S4.2, in_flight). */
  count(topic: Topic, partition: number, from: bigint): Promise<bigint>;
  /**
   * Reads the whole partition, checks every checksum, and returns what is unreadable and not skipped
   * (`ledger --deep`, `clicklake topics verify`).
   */
  verify(topic: Topic, partition: number): Promise<readonly OffsetRange[]>;
  describe(): Promise<readonly PartitionState[]>;
  /** Resolves when something may have become durable since the last call, or when the signal aborts. */
  waitForAppend(signal: AbortSignal): Promise<void>;
  /** Where a consumer group stands; undefined before its first commit. */
  committed(group: string): Promise<Readonly<Record<Topic, PartitionOffsets>> | undefined>;
  /** Remembers it, for lag and retention. Not a source of truth for exactly-once: Delta's `txn` is. */
  commit(group: string, offsets: Readonly<Record<Topic, PartitionOffsets>>): Promise<void>;
  close(): Promise<void>;
}

/**
 * The port. One implementation is opened by at most one writer at a time (exclusive lock) and by any number
 * of readers, in this process or others; a reader never sees a record that is not durable yet, since offsets
 * of lost records are given out again.
 */
export interface EventLog {
  /** @throws EventLogError `log-locked` naming the owner's pid. */
  openWriter(): Promise<LogWriter>;
  openReader(): Promise<LogReader>;
}

import type { CrashPoints, FileSystem } from '@clicklake/durable-files';
import type { DedupeBatch, Verdicts } from './dedupe-batch.ts';

/**
 * The exact set of event ids inside the duplicate window (S3). One owner; calls may overlap, they are
 * carried out one after another in the order of the calls.
 *
 * Every method that reads the disk may throw `DedupeError` `dedupe-state-corrupt`: the state is then
 * discarded already, and the caller calls `clear` and rebuilds with `load`.
 */
export interface DedupeIndex {
  /**
   * Judges a batch and remembers the rows that are no duplicates.
   *
   * A row is a duplicate of an entry with the same hash, other coordinates and
   * |difference of received_at| ≤ the window. Among the rows of one batch the first by
   * (received_at, partition, offset) stays (S3.1). `first` names the earliest such entry from before this
   * batch, else the earliest row of it. Judging the same rows again gives the same verdicts, so a failed
   * batch is simply repeated.
   */
  check(batch: DedupeBatch): Promise<Verdicts>;
  /**
   * Every entry with this hash (four words), by received_at; remembers nothing. Uncommitted rows are among them, and
   * entries older than the window may be missing.
   */
  find(hash: Uint32Array): Promise<readonly FoundEntry[]>;
  /** Remembers rows that Silver holds, without judging them: roll-forward and rebuild. */
  load(batch: DedupeBatch): Promise<void>;
  /**
   * Makes the state durable when enough has come together to be worth it (or `force`). Returns the state
   * that a restart would find, which may be an older one.
   */
  save(state: DedupeState, options?: { readonly force: boolean }): Promise<DedupeState>;
  /**
   * Forgets every entry with an offset ≥ `covered[partition]` for good: Silver's `txn` does not cover it
   * (S3.3). Called at start-up with Silver's own offsets, and whenever an uncommitted tail is thrown away.
   * Opening does the same with the saved state's offsets by itself.
   */
  begin(covered: readonly bigint[]): Promise<void>;
  /** Drops the runs whose entries were all received before this time (ms). */
  expire(before: number): Promise<void>;
  /** Forgets everything, on disk too: what follows is a rebuild. */
  clear(): Promise<void>;
  /** Resolves when no runs are being merged in the background (any more). */
  settled(): Promise<void>;
  stats(): DedupeStats;
  /** Releases files and memory without saving. Idempotent. */
  close(): Promise<void>;
}

/** Where the record of an id lies in the log, and when it was received, ms. */
export interface FoundEntry {
  readonly partition: number;
  readonly offset: number;
  readonly receivedAt: number;
}

/** Which Silver the saved entries belong to. */
export interface DedupeState {
  readonly silverVersion: number;
  /** Next offset per log partition: what Silver's `txn` covers. */
  readonly covered: readonly bigint[];
}

export interface DedupeStats {
  /** Entries held, dead ones that a merge has not dropped yet included. */
  readonly entries: number;
  /** Bytes of every buffer that the index holds or may take while it works. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly runs: number;
  readonly filterBitsPerKey: number;
  /** Rows that a filter let through to the disk without an entry there, since the index was opened. */
  readonly bloomFalsePositives: number;
  /** Reads of the runs by `check`, since the index was opened. */
  readonly diskProbes: number;
  /** Why the last merge of runs failed (a full disk); it is tried again after the next save. */
  readonly mergeFailure: unknown;
}

export interface DedupeIndexOptions {
  readonly directory: string;
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  /** S3.1: 7 days by default, `dedupeDefaults.windowMs`. */
  readonly windowMs: number;
  /** Hard cap over everything the index holds, whatever the window holds (S3.2). At least 8 MiB. */
  readonly memoryBytes: number;
  /** Width of a time bucket of runs, at most 2^32 − 1 ms. */
  readonly bucketMs: number;
}

export interface OpenedDedupeIndex {
  readonly index: DedupeIndex;
  /**
   * The saved state that was reopened: roll it forward by loading Silver's rows with offsets ≥ `covered`.
   * Undefined = nothing usable was found; the index is empty and the caller rebuilds it.
   */
  readonly state: DedupeState | undefined;
}

const dayMs = 86_400_000;

export const dedupeDefaults = {
  windowMs: 7 * dayMs,
  memoryBytes: 96 * 1024 * 1024,
  bucketMs: dayMs,
} as const;

import type { PartitionState, Topic } from '@clicklake/event-log';
import type { Pin } from '@clicklake/query';
import type { GoldLag } from './jobs/gold-lag.ts';
import type { JobsHealth, JobState } from './jobs/orchestrator.ts';
import type { Run, RunFilter } from './jobs/run.ts';
import type { FailingTest, TestProgress, TestReport, TestRequest } from './data-tests/test-report.ts';
import type { RefreshRequest } from './refresh/plan-refresh.ts';
import type { RefreshPlan } from './refresh/refresh-plan.ts';
import type { RefreshProgress, RefreshResult } from './refresh/refresher.ts';
import type { EventTrace } from './trace/event-trace.ts';

/** The tables that ingest writes, by the bare names that users query. Gold's are those of the models. */
export type TableName = 'silver' | 'dead_letters' | 'duplicates';
export const tableNames: readonly TableName[] = ['silver', 'dead_letters', 'duplicates'];

/** The equation of S4.2; every number counts records. JSON carries them as numbers. */
export interface Ledger {
  readonly appended: number;
  readonly silver: number;
  readonly dead_letters: number;
  readonly duplicates: number;
  readonly in_flight: number;
  readonly unreadable: number;
  readonly removed: number;
  readonly balanced: boolean;
  /** appended − everything else: 0 when balanced. */
  readonly difference: number;
  /** Present after `--deep`: offsets that are in no place or in several. */
  readonly deep?: DeepLedger;
}

export interface DeepLedger {
  readonly checkedOffsets: number;
  /** Of them, those whose rows a restore, retention or erasure has deleted, as booked. */
  readonly removedOffsets: number;
  /** Rows that an earlier version deleted without booking their offsets: these may be among the missing. */
  readonly unbookedRemovals: number;
  /** Offsets in no place. */
  readonly missingOffsets: number;
  readonly missing: readonly CoordinateRange[];
  readonly repeated: readonly CoordinateRange[];
}

export interface CoordinateRange {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export interface TableSummary {
  readonly name: string;
  /** Where the Delta table lies, relative to the home. */
  readonly location: string;
  readonly version: number;
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly partitionColumns: readonly string[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface TableCommit {
  readonly version: number;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly operation: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly metrics: Readonly<Record<string, unknown>>;
}

export type IngestPhase = 'idle' | 'running' | 'stalled' | 'failed' | 'stopped';

/** An error as people are told of it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface IngestState {
  readonly phase: IngestPhase;
  /** Why it stalled or failed. */
  readonly problem: Problem | null;
  /** A checkpoint or log clean-up after a commit that failed last time; ingest goes on without. */
  readonly maintenanceProblem: Problem | null;
  readonly silverVersion: number;
  readonly tailRows: number;
  /** Records taken up since the process started, and the last commit's facts. */
  readonly processed: number;
  readonly lastCommit: {
    readonly at: string;
    readonly version: number;
    readonly rows: number;
    readonly durationMs: number;
  } | null;
  readonly commits: number;
}

export interface TopicState extends Omit<
  PartitionState,
  'startOffset' | 'endOffset' | 'appended' | 'corrupt' | 'skipped'
> {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly appended: number;
  /** Next offset that Silver needs, and how many records it has yet to commit. */
  readonly committedOffset: number;
  readonly lag: number;
  readonly corrupt: readonly { readonly from: number; readonly to: number }[];
  readonly skipped: readonly { readonly from: number; readonly to: number }[];
}

export interface OptimizeOptions {
  readonly targetBytes?: number;
  /** Only partitions on or after this event_date, `YYYY-MM-DD`. */
  readonly since?: string;
  readonly sortBy?: readonly string[];
  readonly zOrderBy?: readonly string[];
}

export interface OptimizeResult {
  readonly version: number | null;
  readonly filesRemoved: number;
  readonly filesAdded: number;
  readonly bytesRemoved: number;
  readonly bytesAdded: number;
}

export interface VacuumOptions {
  readonly retentionHours?: number;
  readonly dryRun?: boolean;
}

export interface VacuumResult {
  readonly dryRun: boolean;
  readonly files: readonly string[];
  readonly bytes: number;
}

export interface RestoreOptions {
  readonly version?: number;
  /** ISO 8601. */
  readonly timestamp?: string;
  /** Silver only (S4.3): keep the offsets and book the rows as removed. */
  readonly discard?: boolean;
}

export interface RestoreResult {
  readonly version: number;
  readonly restoredTo: number;
  readonly rowsBefore: number;
  readonly rowsAfter: number;
  /** Records that ingest will read from the log again. */
  readonly toReadAgain: number;
}

/** Which dead letters: those that have all of what is given. */
export interface DeadLetterFilter {
  readonly reason?: string;
  readonly field?: string;
  /** `source_id`. */
  readonly source?: string;
  /** Only of bytes that are JSON. */
  readonly eventType?: string;
  /** Received at or after, and before; milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Only those that no committed event replays (S8). */
  readonly notReplayed?: boolean;
}

/** Where a dead letter's record lies; with the topic it is its key (S1.3). */
export interface DeadLetterPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** With the size of its bytes: who reads many keeps to what fits into memory. */
export interface SizedDeadLetterPlace extends DeadLetterPlace {
  readonly bytes: number;
}

export type DeadLetterSelect =
  | { readonly places: readonly DeadLetterPlace[] }
  | { readonly filter: DeadLetterFilter; readonly limit: number };

/** Whoever opens it disposes of it: it takes memory, or room for temporary files. */
export interface DeadLetterSelection extends AsyncDisposable {
  /** Those named, in their order; of a filter oldest first, and of several attempts at one origin the newest. */
  readonly places: readonly SizedDeadLetterPlace[];
  /** All of them, so many at a time, and of so many bytes, of which the first may alone have more. */
  batches(most: number, mostBytes: number): AsyncIterable<readonly SelectedDeadLetter[]>;
  /** Replays of them that were rejected again, by `topic:partition:offset` of their origin, as they were sent. */
  failedReplays(
    origins: readonly string[],
  ): Promise<readonly { readonly of: string; readonly raw: string }[]>;
}

export interface SelectedDeadLetter {
  readonly place: DeadLetterPlace;
  /** Null when there is no dead letter at this place. */
  readonly row: DeadLetterRow | null;
  /** The first dead letter, where this one is a replay that failed again. */
  readonly root: Pick<DeadLetterRow, 'topic' | 'received_at' | 'event_id' | 'source_id'> | null;
}

/** Dead letters that were rejected alike. */
export interface DeadLetterGroup {
  readonly reason: string;
  readonly field: string | null;
  readonly source_id: string | null;
  readonly count: number;
  /** Those whose replay Silver holds. */
  readonly replayed: number;
  readonly first_received_at: string;
  readonly last_received_at: string;
  /** The place of the newest, `topic/partition/offset`, and its message. */
  readonly example: string;
  readonly message: string | null;
}

export interface DeadLetterRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly received_at: string;
  readonly reason: string;
  readonly field: string | null;
  readonly message: string | null;
  readonly event_id: string | null;
  readonly source_id: string | null;
  /** Of a replay that was rejected again: `topic:partition:offset` of the original (S8). */
  readonly replay_of: string | null;
  /** The committed record that replays it, or its original. */
  readonly replayed: { readonly partition: number; readonly offset: number } | null;
  /** The bytes as UTF-8 when they are, else base64. */
  readonly raw: string;
  readonly rawEncoding: 'utf8' | 'base64';
}

/** What a status tells of the jobs, and of Gold behind Silver (S7.4). */
export interface JobsStatus extends JobsHealth {
  readonly gold: GoldLag;
}

/**
 * Everything that people and programs do with a lake, whoever carries it out: the process that owns the
 * lake's ingest lease, a client that reaches that process over HTTP, or (for what only reads) any process
 * over the committed tables (S6.1, S6.3).
 */
export interface LakeReader {
  /** What a query sees: a Silver version, and the tail when the owner runs here (S6.1). */
  pin(): Promise<Pin>;
  ledger(options: { readonly deep: boolean }): Promise<Ledger>;
  tables(): Promise<readonly TableSummary[]>;
  /** Newest first; undefined when there is no such table. */
  history(table: string, limit: number): Promise<readonly TableCommit[] | undefined>;
  topics(): Promise<readonly TopicState[]>;
  /** Newest first. */
  deadLetters(filter: DeadLetterFilter & { readonly limit: number }): Promise<readonly DeadLetterRow[]>;
  deadLetterGroups(
    filter: DeadLetterFilter & { readonly limit: number },
  ): Promise<readonly DeadLetterGroup[]>;
  /** Many dead letters, as they are now: they are looked for once, and then read batch by batch. */
  selectDeadLetters(select: DeadLetterSelect): Promise<DeadLetterSelection>;
  deadLetter(topic: string, partition: number, offset: number): Promise<DeadLetterRow | undefined>;
  /** Data tests that have not passed since they were run last, by name. */
  failingTests(): Promise<readonly FailingTest[]>;
  /** What became of an event_id; no record of it is an answer, too. */
  trace(eventId: string): Promise<EventTrace>;
  /** Records in the log that Silver does not cover yet. */
  uncommitted(): Promise<number>;
  close(): Promise<void>;
}

/** The owner of a lake: one per lake (S3.4), with ingest and every command that writes. */
export interface LakeOwner extends LakeReader {
  /** Starts ticking and committing, and the jobs. Idempotent. */
  start(): Promise<void>;
  /** Takes up all that is in the log now, commits it, and returns. Not to be mixed with `start`. */
  catchUp(
    onProgress: (progress: { readonly processed: number; readonly inFlight: number }) => void,
  ): Promise<void>;
  state(): IngestState;
  jobs(): readonly JobState[];
  /** Newest first. */
  runs(filter: RunFilter): readonly Run[];
  jobsStatus(): JobsStatus;
  /** Runs a job now, and waits for it. @throws PipelineError `job-unknown`, `job-stopped`; what the job failed with */
  runJob(name: string): Promise<Run>;
  /** What a refresh of Gold would do now. @throws PipelineError `refresh-no-silver`, ModelError */
  planRefresh(request: RefreshRequest): Promise<RefreshPlan>;
  /** Brings Gold up to the newest committed Silver; one at a time. @throws as `planRefresh`, `refresh-fenced` */
  refresh(request: RefreshRequest, onProgress?: (progress: RefreshProgress) => void): Promise<RefreshResult>;
  /**
   * Runs the data tests of the models on what Gold stands for, and stores the rows that they find.
   *
   * @throws PipelineError `tests-no-gold`, `tests-silver-gone`; ModelError
   */
  test(request: TestRequest, onProgress?: (progress: TestProgress) => void): Promise<TestReport>;
  optimize(table: TableName, options: OptimizeOptions): Promise<OptimizeResult>;
  vacuum(table: TableName, options: VacuumOptions): Promise<VacuumResult>;
  restore(table: TableName, options: RestoreOptions): Promise<RestoreResult>;
  /**
   * Commits the tail, saves the state, gives the lease back. Idempotent.
   *
   * @throws PipelineError `ingest-tail-uncommitted`, with everything let go all the same.
   */
  close(): Promise<void>;
}

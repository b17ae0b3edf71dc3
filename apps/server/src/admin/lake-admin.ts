import type {
  DeadLetterFilter,
  DeadLetterGroup,
  DeadLetterRow,
  FailingTest,
  EventTrace,
  IngestState,
  JobsStatus,
  JobState,
  Ledger,
  OptimizeOptions,
  OptimizeResult,
  RefreshPlan,
  RefreshRequest,
  RefreshResult,
  ReplayedLetter,
  ReplayProgress,
  ReplayRequest,
  ReplayResult,
  RestoreOptions,
  RestoreResult,
  Run,
  RunFilter,
  TableCommit,
  TableName,
  TableSummary,
  TestProgress,
  TestReport,
  TestRequest,
  TopicState,
  VacuumOptions,
  VacuumResult,
} from '@clicklake/pipeline';
import type { QueryResult } from '@clicklake/query';

/**
 * What people do with a lake through the admin API. The owner's process carries it out itself; everybody else
 * reaches the owner by a client with these very methods (S6.1, S6.3), so that a command need not know which of
 * the two it holds.
 */
export interface LakeAdmin {
  /** One read-only statement (S6.4). @throws QueryError */
  sql(statement: string, options: SqlOptions): Promise<SqlAnswer>;
  ledger(options: { readonly deep: boolean }): Promise<Ledger>;
  tables(): Promise<readonly TableSummary[]>;
  /** Newest first. */
  history(table: string, limit: number): Promise<readonly TableCommit[] | undefined>;
  topics(): Promise<readonly TopicState[]>;
  /** Newest first. */
  deadLetters(filter: DeadLetterFilter & { readonly limit: number }): Promise<readonly DeadLetterRow[]>;
  /** By reason, field and source: the largest group first. */
  deadLetterGroups(
    filter: DeadLetterFilter & { readonly limit: number },
  ): Promise<readonly DeadLetterGroup[]>;
  deadLetter(topic: string, partition: number, offset: number): Promise<DeadLetterRow | undefined>;
  /** Oldest first; of several attempts to replay one dead letter the newest. */
  exportDeadLetters(
    filter: DeadLetterFilter & { readonly limit: number },
    options: ExportOptions,
  ): Promise<void>;
  /** Mends dead letters and appends them as new records (S8); repeating it is safe. */
  replayDeadLetters(request: ReplayRequest, options: ReplayOptions): Promise<ReplayResult>;
  /** What became of an event_id, whatever text it is. */
  trace(eventId: string): Promise<EventTrace>;
  overview(): Promise<Overview>;
  optimize(table: TableName, options: OptimizeOptions): Promise<OptimizeResult>;
  vacuum(table: TableName, options: VacuumOptions): Promise<VacuumResult>;
  restore(table: TableName, options: RestoreOptions): Promise<RestoreResult>;
  planRefresh(request: RefreshRequest): Promise<RefreshPlan>;
  /** Brings Gold up to the newest committed Silver. */
  refresh(request: RefreshRequest): Promise<RefreshResult>;
  jobs(): Promise<readonly JobState[]>;
  /** Newest first. */
  runs(filter: RunFilter): Promise<readonly Run[]>;
  /** Runs a job now and waits for it. */
  runJob(name: string): Promise<Run>;
  /** Runs the data tests of the models on what Gold stands for. */
  test(request: TestRequest, options: TestOptions): Promise<TestReport>;
  /** Data tests that have not passed since they were run last. */
  failingTests(): Promise<readonly FailingTest[]>;
  /** Gives up the unreadable ranges of a partition (S5.1) and returns them. */
  skipCorrupt(topic: string, partition: number): Promise<readonly SkippedRange[]>;
  /** Makes the past: straight into the log, by the process that writes it. */
  backFill(request: BackFillRequest, options: BackFillOptions): Promise<BackFillResult>;
}

export interface TestOptions {
  readonly onProgress?: (progress: TestProgress) => void;
}

export interface SqlOptions {
  /** Rows beyond it are dropped, and `truncated` says so; absent: the engine's own cap. */
  readonly maxRows?: number;
  readonly signal?: AbortSignal;
}

/** The engine's result, in which everything is JSON. */
export interface SqlAnswer extends Omit<QueryResult, 'pinned'> {
  /** The committed version, and the state of the tail, that the answer stands for (S6.1). */
  readonly pinned: { readonly silverVersion: number; readonly tailEpoch: number };
}

/** Offsets given up; `to` is exclusive. */
export interface SkippedRange {
  readonly from: number;
  readonly to: number;
}

export interface ExportOptions {
  /** The next is read once the promise, if there is one, has resolved. */
  readonly onRow: (row: DeadLetterRow) => void | Promise<void>;
  readonly signal?: AbortSignal;
}

export interface ReplayOptions {
  readonly onLetter: (letter: ReplayedLetter) => void | Promise<void>;
  readonly onProgress: (progress: ReplayProgress) => void;
  /** Stops between two appends. */
  readonly signal?: AbortSignal;
}

export interface BackFillRequest {
  readonly events: number;
  readonly days: number;
  readonly seed: string;
  /** Milliseconds since the epoch: the end of the days that are filled. */
  readonly endAt: number;
  readonly duplicateRate?: number;
  readonly malformedRate?: number;
  readonly lateRate?: number;
}

export interface BackFillOptions {
  readonly onProgress: (progress: BackFillProgress) => void;
  readonly signal?: AbortSignal;
}

/** Records that are durable in the log. */
export interface BackFillProgress {
  readonly written: number;
}

export interface BackFillResult {
  readonly accepted: number;
  readonly rejected: number;
}

/** What a process knows of itself without asking the disk. */
export interface Vitals {
  readonly version: string;
  readonly pid: number;
  /** `up`, `ingest`. */
  readonly role: string;
  readonly home: string;
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly collectorUrl: string | null;
  /** Null when the process does not own the lake. */
  readonly ingest: IngestState | null;
  /** What fails and what runs, and how far Gold is behind; null as well then. */
  readonly jobs: JobsStatus | null;
  readonly collector: CollectorCounters | null;
}

/** How the system does, at one look. */
export interface Overview extends Vitals {
  /** Records in the log that Silver does not cover yet. */
  readonly lag: number;
}

/** What the collector has done since it started. */
export interface CollectorCounters {
  readonly requests: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly bytes: number;
  readonly refused: Readonly<Record<string, number>>;
}

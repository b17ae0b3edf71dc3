import type {
  DeadLetterFilter,
  DeadLetterRow,
  EventTrace,
  IngestState,
  Ledger,
  OptimizeOptions,
  OptimizeResult,
  RefreshPlan,
  RefreshRequest,
  RefreshResult,
  RestoreOptions,
  RestoreResult,
  TableCommit,
  TableName,
  TableSummary,
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
  deadLetters(filter: DeadLetterFilter): Promise<readonly DeadLetterRow[]>;
  deadLetter(topic: string, partition: number, offset: number): Promise<DeadLetterRow | undefined>;
  /** What became of an event_id, whatever text it is. */
  trace(eventId: string): Promise<EventTrace>;
  overview(): Promise<Overview>;
  optimize(table: TableName, options: OptimizeOptions): Promise<OptimizeResult>;
  vacuum(table: TableName, options: VacuumOptions): Promise<VacuumResult>;
  restore(table: TableName, options: RestoreOptions): Promise<RestoreResult>;
  planRefresh(request: RefreshRequest): Promise<RefreshPlan>;
  /** Brings Gold up to the newest committed Silver. */
  refresh(request: RefreshRequest): Promise<RefreshResult>;
  /** Gives up the unreadable ranges of a partition (S5.1) and returns them. */
  skipCorrupt(topic: string, partition: number): Promise<readonly SkippedRange[]>;
  /** Makes the past: straight into the log, by the process that writes it. */
  backFill(request: BackFillRequest, options: BackFillOptions): Promise<BackFillResult>;
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

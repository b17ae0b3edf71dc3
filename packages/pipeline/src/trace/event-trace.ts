import type { JsonValue } from '@clicklake/query';

/** Everything that became of one event_id, as JSON carries it. Times are ISO 8601 in UTC. */
export interface EventTrace {
  readonly eventId: string;
  /** What was looked through: an answer "nowhere" means in none of this. */
  readonly looked: TraceExtent;
  /** Each log record that bears the id, or that one of them replays, in the order they were received. */
  readonly records: readonly TracedRecord[];
}

export interface TraceExtent {
  /** Null while there are no tables. */
  readonly silverVersion: number | null;
  /** Rows of the committed tables. */
  readonly silverRows: number;
  readonly duplicateRows: number;
  readonly deadLetterRows: number;
  /** Rows that are judged and not committed; null when the process that has them was not asked. */
  readonly tailRows: number | null;
  /** Records of the log that were read because no table covers them yet. */
  readonly logRecords: number;
  /** Older ones that were not read, because ingest is too far behind: the event may be among them. */
  readonly logRecordsPassedOver: number;
}

/**
 * Where a record is: `in_flight` in the log only, not judged yet (or not by a process that we can ask); else what
 * ingest made of it.
 */
export type TraceVerdict = 'in_flight' | 'valid' | 'duplicate' | 'dead_letter';

export interface RecordPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface TracedRecord extends RecordPlace {
  readonly eventId: string | null;
  readonly receivedAt: string | null;
  /** The source of the write key; null for who writes into the log without one. */
  readonly sourceId: string | null;
  readonly verdict: TraceVerdict;
  /** False: only in the tail, which queries see and other engines do not (S6.1, S6.2). */
  readonly committed: boolean;
  /** What the log still holds of it. */
  readonly log: LogHolding;
  /** The columns of Silver, for a valid event. */
  readonly event: Readonly<Record<string, JsonValue>> | null;
  /** The event that stays, for a duplicate. */
  readonly duplicateOf: RecordPlace | null;
  readonly refusal: Refusal | null;
  readonly replayOf: RecordPlace | null;
  /** Records that replay this dead letter. */
  readonly replays: readonly RecordPlace[];
  /** For what is committed to Silver. */
  readonly silver: SilverPlace | null;
  /** For what is committed to Silver: what each Gold table made of it. */
  readonly gold: readonly GoldPlace[];
}

export interface Refusal {
  readonly reason: string;
  readonly field: string | null;
  readonly message: string | null;
}

export type LogHolding =
  | {
      readonly state: 'held';
      readonly bytes: number;
      readonly value: string;
      readonly encoding: 'utf8' | 'base64';
      /** The collector, or an ingest, of which contract judged it; null: a producer without one. */
      readonly judgedBy: string | null;
    }
  /** Retention deleted it; `startOffset` is the first one left of the partition. */
  | { readonly state: 'deleted'; readonly startOffset: number }
  | { readonly state: 'unreadable'; readonly message: string };

export interface SilverPlace {
  /** The commit that brought the row; null with `commitMissing` saying why. */
  readonly commit: TraceCommit | null;
  readonly commitMissing: string | null;
  /** The file that the row lies in now. */
  readonly file: TraceFile;
  /** The file that it was first written to, when OPTIMIZE has moved it since; null when it never moved, or unknown. */
  readonly firstFile: string | null;
  /** The commit that moved it into its file. */
  readonly movedBy: TraceCommit | null;
}

export interface TraceCommit {
  readonly version: number;
  readonly timestamp: string;
  readonly operation: string;
}

export interface TraceFile {
  /** Below the table's directory. */
  readonly path: string;
  readonly bytes: number;
  readonly rows: number | null;
}

/** - `counted`: in `row`.
 * - `left_out`: `reason` says why no row counts it, by the project's own rules.
 * - `not_refreshed`: the table has not seen the event yet, or there is no table.
 * - `missing`: it should be counted and no row is there. */
export type GoldState = 'counted' | 'left_out' | 'not_refreshed' | 'missing';

export interface GoldPlace {
  readonly table: string;
  readonly state: GoldState;
  readonly reason: string | null;
  /** The columns that tell rows apart, by which the event finds its row. */
  readonly key: Readonly<Record<string, JsonValue>> | null;
  readonly row: Readonly<Record<string, JsonValue>> | null;
  /** Of the Gold table; null while there is none. */
  readonly version: number | null;
  readonly committedAt: string | null;
  /** The version of Silver that its rows stand for. */
  readonly silverVersion: number | null;
}

import type { Replay, ReplayOutcome } from '@clicklake/contract';
import type { DeadLetterFilter, DeadLetterPlace } from '../lake-service.ts';

/** Which dead letters are to be replayed, and what is done to them first (S8). */
export interface ReplayRequest {
  /** By place, by what a filter means, or by place with the event that takes the place of its bytes. */
  readonly select:
    | { readonly places: readonly DeadLetterPlace[] }
    | { readonly filter: DeadLetterFilter; readonly limit: number }
    | { readonly events: readonly ReplacedEvent[] };
  /** Done in this order to each event that no file replaces, as `parseChange` reads them. */
  readonly changes: readonly string[];
  /** Say what would become of each, and append nothing. */
  readonly dryRun: boolean;
  /** Leave alone what would be rejected again, which else becomes a new dead letter. */
  readonly onlyValid: boolean;
}

export interface ReplacedEvent {
  readonly place: DeadLetterPlace;
  /** JSON. */
  readonly event: string;
}

/** Dead letters of one request at most. */
export const maxReplayed = 1_000_000;

/** What became of one dead letter, or would become. */
export type ReplayStatus =
  /** Valid: appended, unless it was a dry run. */
  | 'accepted'
  /** Rejected again: a new dead letter, unless it was a dry run or only valid ones were wanted. */
  | 'rejected'
  /** The very same attempt was rejected before: nothing is appended. */
  | 'rejected-before'
  /** Silver holds its replay: nothing is appended. */
  | 'replayed-before'
  /** The changes do not apply to its bytes. */
  | 'unmendable'
  /** There is no dead letter at this place, or it is not committed yet. */
  | 'not-found';

export interface ReplayedLetter {
  /** `topic/partition/offset` of the dead letter. */
  readonly place: string;
  readonly status: ReplayStatus;
  readonly event_id: string | null;
  readonly reason: string | null;
  readonly field: string | null;
  readonly message: string | null;
  /** Where the new record lies, `topic/partition/offset`; null when none was appended. */
  readonly record: string | null;
  /** The bytes before and the event after; null when there is none, or when they were not asked for. */
  readonly before: string | null;
  readonly after: string | null;
}

export interface ReplayProgress {
  readonly done: number;
  readonly total: number;
}

/** How many of each. */
export type ReplayResult = Readonly<Record<ReplayStatus, number>> & { readonly dry_run: boolean };

/** The verdict on a replay, as the contract gives it. */
export type ReplayVerdict =
  | { readonly ok: true; readonly eventId: string }
  | {
      readonly ok: false;
      readonly eventId: string | null;
      readonly reason: string;
      readonly field: string | null;
      readonly message: string;
    };

/** The way of replays into the log: its writer in this process, or the collector that has it. */
export interface ReplayAppender {
  /** What would become of one; appends nothing. */
  judge(replay: Replay): ReplayVerdict;
  /**
   * Makes all of them durable records, in this order, and says what became of each. When it rejects, some may have
   * been written; appending all of them again is safe.
   */
  append(replays: readonly Replay[]): Promise<readonly ReplayOutcome[]>;
  close(): Promise<void>;
}

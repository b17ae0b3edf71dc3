import type { Rejection } from './rejection.ts';

/** What the user agent says; null when it does not say. */
export interface UserAgentFacts {
  readonly deviceType: string | null;
  readonly browser: string | null;
  readonly os: string | null;
  readonly isBot: boolean;
}

/** What the collector knows of the request that an event came with. */
export interface PrepareContext {
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Null when it is not known: of a dead letter that names none. */
  readonly sourceId: string | null;
  readonly clientIp: string | null;
  /** The write key is a server's: `ip_address` in the body counts (S1.4). */
  readonly trustBodyIp: boolean;
  readonly truncateIp: boolean;
  /** The request's User-Agent header, for events that name none themselves. */
  readonly userAgent: string | null;
  enrich(userAgent: string): UserAgentFacts;
  /** An id for an event that has none: 1–128 bytes, unique. */
  newEventId(): string;
}

/** The dead letter that a replay comes from (S8). */
export interface ReplayOrigin {
  /** `topic:partition:offset`: becomes `replay_of`. */
  readonly of: string;
  /** The original's own id, which the replay keeps; null when it had none that is valid. */
  readonly eventId: string | null;
  /** When the original was received, milliseconds since the epoch: the times are judged by it (S2.3). */
  readonly receivedAt: number;
  /** What a client sent, or a record that somebody put into the log (`Contract.judge`). */
  readonly form: 'event' | 'record';
  /** A record whose times an earlier replay has settled already. */
  readonly settled: boolean;
}

/** A mended dead letter that is to become a record again (S8). */
export interface Replay {
  readonly origin: ReplayOrigin;
  /** Of the original: the key that sent it. */
  readonly sourceId: string | null;
  /** The mended event, JSON as far as whoever mended it knows. */
  readonly event: string;
}

export interface Accepted {
  readonly ok: true;
  readonly eventId: string;
  /** Key of the log record (S1.2). */
  readonly key: string;
  /** Canonical JSON text of a RecordValue, without a newline in it or after it. */
  readonly value: string;
}

/** Where an accepted event was read, and where in the written bytes it lies. */
export interface PreparedText {
  /** In the text: the index after the event. */
  readonly end: number;
  /** The id as it stands between the quotes of a JSON string. */
  readonly idStart: number;
  readonly idEnd: number;
  /** Key of the log record (S1.2). */
  readonly keyStart: number;
  readonly keyEnd: number;
  /** Canonical JSON text of a RecordValue, as in `Accepted`. */
  readonly valueStart: number;
  readonly valueEnd: number;
}

export type Prepared = Accepted | Rejection;

/** What became of a replay: a record in `clickstream-events`, or again a dead letter. */
export type ReplayOutcome =
  | {
      readonly status: 'accepted';
      readonly event_id: string;
      readonly partition: number;
      readonly offset: number;
    }
  | {
      readonly status: 'rejected';
      readonly event_id: string | null;
      readonly field: string | null;
      readonly reason: string;
      readonly message: string;
      readonly partition: number;
      readonly offset: number;
    };

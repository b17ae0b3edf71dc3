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
  readonly sourceId: string;
  readonly clientIp: string | null;
  /** The write key is a server's: `ip_address` in the body counts (S1.4). */
  readonly trustBodyIp: boolean;
  readonly truncateIp: boolean;
  /** The request's User-Agent header, for events that name none themselves. */
  readonly userAgent: string | null;
  enrich(userAgent: string): UserAgentFacts;
  /**
   * The JSON that the event was parsed from is well-formed and holds no backslash, so that none of its strings
   * needs escaping: says so to spare a look into each. False by default.
   */
  readonly escapeFree?: boolean;
  /** An id for an event that has none: 1–128 bytes, unique. */
  newEventId(): string;
}

export interface Accepted {
  readonly ok: true;
  readonly eventId: string;
  /** Key of the log record (S1.2). */
  readonly key: string;
  /** Canonical JSON text of a RecordValue, without a newline in it or after it. */
  readonly value: string;
}

export type Prepared = Accepted | Rejection;

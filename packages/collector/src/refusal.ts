import { ClicklakeError } from '@clicklake/errors';

/**
 * Why a whole request was turned away. Nothing of it is stored, except with `body-unparseable`, which is
 * one dead letter (S5.3).
 *
 * - `host-not-allowed` (421): the Host header names none of ours, as in DNS rebinding (S6.5).
 * - `key-missing`, `key-unknown` (401): no write key, or one that was revoked or never existed.
 * - `origin-not-allowed` (403): a browser key used from an origin that it does not list, or from no browser.
 * - `media-type-unsupported`, `encoding-unsupported` (415): not JSON or NDJSON; not gzip, zstd or identity.
 * - `body-too-large`, `too-many-events` (413): over the limits of bytes on the wire, bytes decoded, events.
 * - `body-unparseable` (400): not JSON at all, or not what Content-Encoding says.
 * - `dead-letters-limited` (429): this key had too many events rejected in the last minute.
 * - `ingest-lagging` (429): the log holds more unprocessed records than the lag limit.
 * - `disk-low`, `log-full`, `log-unavailable` (503): the log cannot make anything durable now.
 * - `collector-busy` (503): the bodies being read together exceed the memory set aside for them.
 * - `judging-failed` (503): the thread that was judging the body ended; another takes its place.
 * - `collector-stopping` (503): shutting down.
 * - `request-aborted` (400): the client went away in the middle of the body.
 * - `not-found` (404), `request-malformed` (400), `headers-too-large` (431), `request-timeout` (408): HTTP itself.
 * - `internal` (500): a defect of ours.
 */
export type RefusalCode = keyof typeof statusOf;

const statusOf = {
  'host-not-allowed': 421,
  'key-missing': 401,
  'key-unknown': 401,
  'origin-not-allowed': 403,
  'media-type-unsupported': 415,
  'encoding-unsupported': 415,
  'body-too-large': 413,
  'too-many-events': 413,
  'body-unparseable': 400,
  'dead-letters-limited': 429,
  'ingest-lagging': 429,
  'disk-low': 503,
  'log-full': 503,
  'log-unavailable': 503,
  'collector-busy': 503,
  'judging-failed': 503,
  'collector-stopping': 503,
  'request-aborted': 400,
  'not-found': 404,
  'request-malformed': 400,
  'headers-too-large': 431,
  'request-timeout': 408,
  internal: 500,
} as const;

export interface RefusalOptions {
  readonly code: RefusalCode;
  readonly message: string;
  readonly hint: string;
  /** Becomes the Retry-After header. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
  /** Further members of the JSON answer. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Thrown anywhere on the way of a request; the HTTP layer answers with it. */
export class Refusal extends ClicklakeError<RefusalCode> {
  readonly status: number;
  readonly retryAfterSeconds: number | null;

  constructor(options: RefusalOptions) {
    const { retryAfterSeconds, ...rest } = options;
    super({ ...rest, retryable: retryAfterSeconds !== undefined });
    this.status = statusOf[options.code];
    this.retryAfterSeconds = retryAfterSeconds ?? null;
  }
}

/** The JSON body of every answer that is not a success: `{"code","message","hint"}`. */
export function refusalBody(refusal: Refusal): string {
  const { code, message, hint, details } = refusal;
  return JSON.stringify({ code, message, hint, ...details });
}

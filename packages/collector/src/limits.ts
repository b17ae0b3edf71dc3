/**
 * What one request, or all of them together, may cost. The size and nesting of a single event are the
 * contract's settings: there they are verdicts on the event, not on the request.
 */
export interface Limits {
  /** Bytes of a body on the wire, before decoding. */
  readonly maxBodyBytes: number;
  /** Bytes of a body after gzip or zstd: a bomb is cut off here. */
  readonly maxDecodedBytes: number;
  readonly maxEventsPerRequest: number;
  /** Bytes of all bodies held at once, on the wire and decoded. */
  readonly maxInFlightBytes: number;
  /** Records that ingest may be behind before senders are told to slow down (429). */
  readonly maxLagRecords: number;
  /** Free bytes of the log's disk below which nothing is taken (503). */
  readonly minDiskFreeBytes: number;
  /** Time for the headers of a request, and for all of it, ms: slow senders are cut off. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** Time that requests in flight get when the collector stops, ms; then their connections are cut. */
  readonly stopGraceMs: number;
}

export const defaultLimits: Limits = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxDecodedBytes: 8 * 1024 * 1024,
  maxEventsPerRequest: 10_000,
  maxInFlightBytes: 64 * 1024 * 1024,
  maxLagRecords: 10_000_000,
  minDiskFreeBytes: 256 * 1024 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  stopGraceMs: 10_000,
};

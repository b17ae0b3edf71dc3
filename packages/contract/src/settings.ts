/** What may differ between two lakes' verdicts. */
export interface ContractSettings {
  /** `timestamp` may be at most this many days before `received_at` (S2.3). */
  readonly maxEventAgeDays: number;
  /** A `timestamp` later than `received_at` plus this, in milliseconds, becomes `received_at` (S2.3). */
  readonly maxFutureMs: number;
  /** Bytes of a record's JSON text: of what `prepare` makes, and of what `judge` is given. */
  readonly maxEventBytes: number;
  /** Nesting of objects and arrays, the event itself being 1. */
  readonly maxDepth: number;
}

export const defaultSettings: ContractSettings = {
  maxEventAgeDays: 400,
  maxFutureMs: 60_000,
  maxEventBytes: 262_144,
  maxDepth: 32,
};

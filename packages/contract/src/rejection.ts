/** Every reason why an event becomes a dead letter. Stable: stored in the dead-letter table. */
export const rejectionReasons = {
  malformed_json: 'The text is not JSON (RFC 8259), or not UTF-8.',
  not_an_object: 'The event is JSON, but not an object.',
  too_deep: 'Objects and arrays are nested deeper than `maxDepth`.',
  too_large: 'The record is larger than `maxEventBytes`.',
  invalid_unicode: 'A string or a name contains half of a surrogate pair, which no UTF-8 text can hold.',
  missing_field: 'A required field is absent or null.',
  wrong_type: 'A field has another type than the contract says. Nothing is coerced: "12" is not 12.',
  unknown_event_type: '`event_type` is not one of the contract’s.',
  too_short: 'A text is shorter than its minimum (that is: empty).',
  too_long: 'A text is longer, in UTF-8 bytes, than its maximum.',
  out_of_range: 'A number is outside its bounds.',
  timestamp_invalid: 'A time is not one of the accepted ISO 8601 forms.',
  timestamp_out_of_range:
    'A time is before 1970 or after 9999, or `timestamp` is older than `maxEventAgeDays`.',
} as const;

export type RejectionReason = keyof typeof rejectionReasons;

/** The verdict on an event that becomes a dead letter. */
export interface Rejection {
  readonly ok: false;
  /** The event's own id, when it has a valid one. */
  readonly eventId: string | null;
  /** Path of the offending field, null when the whole is at fault. */
  readonly field: string | null;
  readonly reason: RejectionReason;
  /** One sentence for the sender. Never quotes values, which may be personal. */
  readonly message: string;
}

/** Carries a verdict out of nested checks; caught where the verdict is returned. */
export class RejectedError extends Error {
  readonly field: string | null;
  readonly reason: RejectionReason;

  constructor(reason: RejectionReason, field: string | null, message: string) {
    super(message);
    this.reason = reason;
    this.field = field;
  }
}

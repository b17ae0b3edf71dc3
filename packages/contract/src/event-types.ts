import type { eventFieldRows, FieldOwner, FieldType } from './event-fields.ts';

type Row = (typeof eventFieldRows)[number];

/** A point in page pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How each logical type stands in JSON; timestamps are ISO 8601 text. */
interface JsonTypes extends Record<FieldType, unknown> {
  string: string;
  long: number;
  integer: number;
  boolean: boolean;
  timestamp: string;
  date: string;
  point: Point;
}

type ValueOf<R extends Row> = R extends { values: readonly (infer V)[] } ? V : JsonTypes[R['type']];
type OwnedBy<Owner extends FieldOwner> = Extract<Row, { owner: Owner }>;

type ClientFields = {
  -readonly [R in OwnedBy<'client'> as Exclude<R['name'], 'properties'>]?: ValueOf<R> | null;
};

/**
 * What a client may send: the client-owned fields, absent or null when it has no value. `event_type` and one
 * of `user_id` / `anonymous_id` are required (S2.1); any other field is kept in `properties` (S1.4).
 */
export interface ClickEvent extends ClientFields {
  event_type: NonNullable<ClientFields['event_type']>;
  properties?: Record<string, unknown> | null;
  [unknownField: string]: unknown;
}

type RecordFields = {
  readonly [R in OwnedBy<'client' | 'collector'> as R['name']]?: ValueOf<R>;
};

/** The value of a record in `clickstream-events` (S1.1), as canonical JSON: no nulls, `properties` as text. */
export interface RecordValue extends RecordFields {
  readonly event_id: string;
  readonly event_type: NonNullable<RecordFields['event_type']>;
  readonly timestamp: string;
  readonly received_at: string;
  readonly schema_version: number;
}

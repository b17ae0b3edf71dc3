/** Logical types; each schema module maps them to its own system. */
export type FieldType = 'string' | 'long' | 'integer' | 'boolean' | 'timestamp' | 'date' | 'point';

/**
 * Who may set a field. `client`: the sender of the event. `collector`: stamped before the append, honoured in
 * a log record (S1.1), moved to `properties` when a client sends it (S1.4). `ingest`: known only once the
 * record has its place in the log.
 */
export type FieldOwner = 'client' | 'collector' | 'ingest';

/** One column of Silver, and what a value of it must satisfy. */
export interface EventField {
  readonly name: string;
  readonly type: FieldType;
  readonly owner: FieldOwner;
  /** Never null in Silver. Storage schemas still declare it nullable, as Delta readers expect. */
  readonly required: boolean;
  /** Bounds of a string's UTF-8 length. */
  readonly minBytes?: number;
  readonly maxBytes?: number;
  /** Inclusive bounds of a number. */
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
  /** The closed set of values, when there is one. */
  readonly values?: readonly string[];
  readonly description: string;
  /** schema_version that introduced the field. */
  readonly since: number;
}

/** Version of the field list; a new or changed field raises it. Stamped on every record as `schema_version`. */
export const schemaVersion = 1;

/** S2.1: the original's five, and `custom` for the named events of SDKs. */
export const eventTypes = [
  'page_view',
  'product_view',
  'add_to_cart',
  'checkout',
  'purchase',
  'custom',
] as const;

const client = { owner: 'client', required: false, since: 1 } as const;
const collector = { owner: 'collector', required: false, since: 1 } as const;
const ingest = { owner: 'ingest', required: true, since: 1 } as const;

/** Largest whole number that a double, and so every JSON parser, carries exactly. */
const maxExact = Number.MAX_SAFE_INTEGER;
/** Keeps Gold's BIGINT sums of a field exact for over four thousand million rows. */
const maxSummable = 2_147_483_647;

/**
 * The event, written once. The rows are Silver's columns in order; validation, schemas, types and docs are
 * derived from them.
 */
export const eventFieldRows = [
  {
    ...client,
    name: 'event_id',
    type: 'string',
    required: true,
    minBytes: 1,
    maxBytes: 128,
    description:
      'Identifies the event: a second one with the same id within the window is a duplicate. Generated when missing.',
  },
  {
    ...client,
    name: 'user_id',
    type: 'string',
    minBytes: 1,
    maxBytes: 256,
    description: 'The known user. It or `anonymous_id` is required.',
  },
  {
    ...client,
    name: 'anonymous_id',
    type: 'string',
    minBytes: 1,
    maxBytes: 256,
    description: 'The device or browser of a user not known yet.',
  },
  {
    ...client,
    name: 'session_id',
    type: 'string',
    maxBytes: 256,
    description: "The client's own session; Gold derives its sessions itself.",
  },
  {
    ...client,
    name: 'event_type',
    type: 'string',
    required: true,
    values: eventTypes,
    description: 'What happened.',
  },
  {
    ...client,
    name: 'event_name',
    type: 'string',
    minBytes: 1,
    maxBytes: 256,
    description: 'Name of a `custom` event, which requires it.',
  },
  { ...client, name: 'product_id', type: 'string', maxBytes: 256, description: 'The product concerned.' },
  {
    ...client,
    name: 'timestamp',
    type: 'timestamp',
    required: true,
    description: "When it happened, corrected for the client's clock; the receipt time when missing.",
  },
  { ...client, name: 'page_url', type: 'string', maxBytes: 8192, description: 'The page it happened on.' },
  {
    ...client,
    name: 'user_agent',
    type: 'string',
    maxBytes: 2048,
    description: "The client's user agent; from the request header when missing.",
  },
  {
    ...client,
    name: 'ip_address',
    type: 'string',
    maxBytes: 64,
    description: 'IPv4 or IPv6 address of the client; from the body only with a server-side key.',
  },
  {
    ...client,
    name: 'device_type',
    type: 'string',
    maxBytes: 64,
    description: 'Kind of device; from the user agent when missing.',
  },
  {
    ...client,
    name: 'browser',
    type: 'string',
    maxBytes: 128,
    description: 'Browser; from the user agent when missing.',
  },
  {
    ...client,
    name: 'os',
    type: 'string',
    maxBytes: 128,
    description: 'Operating system; from the user agent when missing.',
  },
  {
    ...client,
    name: 'country',
    type: 'string',
    maxBytes: 64,
    description: 'Country, as the client names it.',
  },
  {
    ...client,
    name: 'referrer',
    type: 'string',
    maxBytes: 8192,
    description: 'Where the visitor came from.',
  },
  {
    ...client,
    name: 'screen_resolution',
    type: 'string',
    maxBytes: 32,
    description: 'Screen size, as in `1920x1080`.',
  },
  {
    ...client,
    name: 'time_on_page',
    type: 'long',
    min: 0,
    max: maxSummable,
    unit: 'seconds',
    description: 'Time spent on the page.',
  },
  {
    ...client,
    name: 'scroll_depth',
    type: 'integer',
    min: 0,
    max: 100,
    unit: 'percent',
    description: 'How far the page was scrolled.',
  },
  {
    ...client,
    name: 'click_coordinates',
    type: 'point',
    min: -maxExact,
    max: maxExact,
    unit: 'pixels',
    description: 'Where the click was: `x` and `y`, both required.',
  },
  {
    ...client,
    name: 'properties',
    type: 'string',
    description:
      'JSON text of an object: what the sender put there, and every field that the contract does not know.',
  },
  {
    ...client,
    name: 'sent_at',
    type: 'timestamp',
    description: "The client's clock when it sent the request; corrects `timestamp`.",
  },
  {
    ...collector,
    name: 'client_timestamp',
    type: 'timestamp',
    description: "The client's own `timestamp`, uncorrected; null when it sent none.",
  },
  {
    ...collector,
    name: 'received_at',
    type: 'timestamp',
    required: true,
    description: 'When the collector received the event; never decreases within a log partition.',
  },
  {
    ...ingest,
    name: 'processing_timestamp',
    type: 'timestamp',
    description: 'When ingest put the event into Silver.',
  },
  {
    ...ingest,
    name: 'event_date',
    type: 'date',
    description: 'UTC date of `timestamp`; the partition column.',
  },
  { ...collector, name: 'source_id', type: 'string', maxBytes: 128, description: 'The write key’s source.' },
  { ...collector, name: 'is_bot', type: 'boolean', description: 'The user agent is a known bot.' },
  {
    ...collector,
    name: 'replay_of',
    type: 'string',
    maxBytes: 256,
    description: 'Set on a replayed dead letter: `topic:partition:offset` of the original.',
  },
  {
    ...collector,
    name: 'schema_version',
    type: 'integer',
    required: true,
    min: 1,
    max: maxSummable,
    description: 'Version of this contract that the record was written with.',
  },
  { ...ingest, name: 'log_topic', type: 'string', description: 'Topic of the log record.' },
  { ...ingest, name: 'log_partition', type: 'integer', description: 'Partition of the log record.' },
  { ...ingest, name: 'log_offset', type: 'long', description: 'Offset of the log record.' },
] as const satisfies readonly EventField[];

export const eventFields: readonly EventField[] = eventFieldRows;

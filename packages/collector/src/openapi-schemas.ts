import { jsonSchema, type ClickEvent } from '@clicklake/contract';
import { Type, type TSchema } from 'typebox';

/** The routes' schemas: they make the OpenAPI document. Bodies are judged by the contract, never by these. */

const Offset = Type.Integer({ minimum: 0, description: 'Offset within the partition.' });
const Partition = Type.Integer({ minimum: 0 });

const Accepted = Type.Object(
  {
    event_id: Type.String({ description: "The event's own, or the one that was generated for it." }),
    status: Type.Literal('accepted'),
    partition: Partition,
    offset: Offset,
  },
  { additionalProperties: false, description: 'Durable in clickstream-events.' },
);

const Rejected = Type.Object(
  {
    event_id: Type.Union([Type.String(), Type.Null()]),
    status: Type.Literal('rejected'),
    field: Type.Union([Type.String(), Type.Null()], {
      description: 'The offending field; null: the whole event.',
    }),
    reason: Type.String({ description: 'Stable code of the reason.' }),
    message: Type.String(),
    topic: Type.Literal('clickstream-errors'),
    partition: Partition,
    offset: Offset,
  },
  { additionalProperties: false, description: 'Kept in clickstream-errors, byte for byte as received.' },
);

const Results = Type.Object(
  { results: Type.Array(Type.Union([Accepted, Rejected]), { description: 'In the order sent.' }) },
  { additionalProperties: false },
);

const Failure = Type.Object(
  {
    code: Type.String({ description: 'Stable, kebab-case.' }),
    message: Type.String({ description: 'What happened.' }),
    hint: Type.String({ description: 'What to do next.' }),
  },
  { additionalProperties: true },
);

// A part of the document has neither a dialect nor an address of its own.
const Event = Type.Unsafe<ClickEvent>({ ...jsonSchema, $schema: undefined, $id: undefined });

function json(schema: TSchema): { content: Record<string, { schema: TSchema }> } {
  return { content: { 'application/json': { schema } } };
}

const failures: Readonly<Record<string, string>> = {
  400: 'Not JSON (kept as one dead letter), or not HTTP.',
  401: 'No write key, or an unknown one.',
  403: 'The origin is not allowed.',
  413: 'Too many bytes or events.',
  415: 'Neither JSON nor NDJSON, or an unsupported Content-Encoding.',
  421: 'Not a host name of this collector.',
  429: 'Slow down: see Retry-After.',
  500: 'A defect of the collector; nothing was accepted.',
  503: 'Nothing can be made durable now: see Retry-After.',
};

function failing(...statuses: readonly number[]): Record<number, object> {
  return Object.fromEntries(
    statuses.map((status) => [status, { description: failures[status], ...json(Failure) }]),
  );
}

export const eventsSchema = {
  summary: 'Take events.',
  description:
    'One event, an array, or NDJSON. Answers 200 with a result for each event once all of them are durable, ' +
    'even if all are rejected. The body may be gzip or zstd.',
  tags: ['events'],
  security: [{ writeKey: [] }],
  body: {
    content: {
      'application/json': { schema: Type.Union([Event, Type.Array(Event)]) },
      'text/plain': { schema: Type.String({ description: 'JSON, as for application/json.' }) },
      'application/x-ndjson': { schema: Type.String({ description: 'One event a line.' }) },
    },
  },
  response: {
    200: { description: 'Each event is durable, as accepted or as rejected.', ...json(Results) },
    ...failing(400, 401, 403, 413, 415, 421, 429, 500, 503),
  },
};

export const eventsPreflightSchema = {
  summary: 'CORS preflight.',
  tags: ['events'],
  response: { 200: { description: 'The origin may send.', type: 'null' }, ...failing(403, 421, 503) },
};

export const healthSchema = {
  summary: 'Liveness.',
  tags: ['operation'],
  response: {
    200: {
      description: 'The process answers.',
      ...json(Type.Object({ status: Type.Literal('ok') }, { additionalProperties: false })),
    },
    ...failing(421, 503),
  },
};

export const openApiSchema = {
  summary: 'This document.',
  tags: ['operation'],
  response: {
    200: {
      description: 'OpenAPI 3.1.',
      ...json(Type.Object({ openapi: Type.String() }, { additionalProperties: true })),
    },
    ...failing(421, 503),
  },
};

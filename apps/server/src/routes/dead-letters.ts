import { Type, type Static } from 'typebox';
import type {
  DeadLetterFilter,
  DeadLetterRow,
  ReplayedLetter,
  ReplayProgress,
  ReplayResult,
} from '@clicklake/pipeline';
import { ApiError, type ErrorBody } from '../api-error.ts';
import { lineStream } from './line-stream.ts';
import { countOf, wholeNumber } from './query-values.ts';
import type { RouteServices } from './route-services.ts';

const text = Type.Optional(Type.String({ maxLength: 1_000 }));
const recordParams = Type.Object({ topic: Type.String(), partition: Type.String(), offset: Type.String() });
const filterQuery = Type.Object(
  {
    limit: text,
    reason: text,
    field: text,
    source: text,
    event_type: text,
    since: text,
    until: text,
    not_replayed: text,
  },
  { additionalProperties: false },
);

const maxTime = 253_402_300_799_999;
const time = Type.Optional(Type.Integer({ minimum: 0, maximum: maxTime }));
const filterBody = Type.Object(
  {
    reason: text,
    field: text,
    source: text,
    eventType: text,
    since: time,
    until: time,
    notReplayed: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
const place = Type.Object(
  {
    topic: Type.String({ maxLength: 100 }),
    partition: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 }),
    offset: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);
/** Most places or events of one request: a client sends more in several. */
const maxNamed = 10_000;
const replayBody = Type.Object(
  {
    select: Type.Union([
      Type.Object({ places: Type.Array(place, { maxItems: maxNamed }) }, { additionalProperties: false }),
      Type.Object(
        { filter: filterBody, limit: Type.Integer({ minimum: 0, maximum: 1_000_000 }) },
        { additionalProperties: false },
      ),
      Type.Object(
        {
          events: Type.Array(Type.Object({ place, event: Type.String() }, { additionalProperties: false }), {
            maxItems: maxNamed,
          }),
        },
        { additionalProperties: false },
      ),
    ]),
    changes: Type.Array(Type.String({ maxLength: 8_192 }), { maxItems: 100 }),
    dryRun: Type.Boolean(),
    onlyValid: Type.Boolean(),
  },
  { additionalProperties: false },
);
const replayBodyBytes = 8 * 1024 * 1024;

/** Lines of `POST /api/dead-letters/replay`: one for each dead letter, progress now and then, the end. */
export type ReplayLine =
  | { readonly letter: ReplayedLetter }
  | { readonly progress: ReplayProgress }
  | { readonly result: ReplayResult }
  | { readonly error: ErrorBody };

/** Lines of `GET /api/dead-letters/export`. */
export type ExportLine =
  | { readonly row: DeadLetterRow }
  | { readonly result: Record<string, never> }
  | { readonly error: ErrorBody };

/** Dead letters: one, many, in groups, to edit, and back into the log (S8). */
export function registerDeadLetterRoutes(services: RouteServices): void {
  const { app, settings } = services;
  const { admin } = settings;

  app.get('/api/dead-letters', { schema: { querystring: filterQuery } }, async ({ query }) => ({
    deadLetters: await admin.deadLetters({ ...filterOf(query), limit: countOf(query.limit, 'limit', 20) }),
  }));

  app.get('/api/dead-letters/groups', { schema: { querystring: filterQuery } }, async ({ query }) => ({
    groups: await admin.deadLetterGroups({ ...filterOf(query), limit: countOf(query.limit, 'limit', 100) }),
  }));

  app.get('/api/dead-letters/export', { schema: { querystring: filterQuery } }, ({ query }, reply) => {
    const limit = query.limit === undefined ? 1_000_000 : wholeNumber(query.limit, 'limit');
    return lineStream(services, reply, async (write, signal) => {
      await admin.exportDeadLetters(
        { ...filterOf(query), limit },
        { onRow: (row) => write({ row } satisfies ExportLine), signal },
      );
      await write({ result: {} } satisfies ExportLine);
    });
  });

  app.post(
    '/api/dead-letters/replay',
    { schema: { body: replayBody }, bodyLimit: replayBodyBytes },
    (request, reply) =>
      lineStream(services, reply, async (write, signal) => {
        const result = await admin.replayDeadLetters(request.body, {
          onLetter: (letter) => write({ letter } satisfies ReplayLine),
          onProgress: (progress) => void write({ progress } satisfies ReplayLine),
          signal,
        });
        await write({ result } satisfies ReplayLine);
      }),
  );

  app.get(
    '/api/dead-letters/:topic/:partition/:offset',
    { schema: { params: recordParams } },
    async (request) => {
      const { topic, partition, offset } = request.params;
      const found = await admin.deadLetter(
        topic,
        wholeNumber(partition, 'partition'),
        wholeNumber(offset, 'offset'),
      );
      if (found !== undefined) return found;
      throw new ApiError({
        code: 'not-found',
        message: `There is no dead letter at ${topic}/${partition}/${offset}.`,
        hint: '`clicklake dead-letters list` shows where they are; one that was just rejected appears with the next commit.',
      });
    },
  );
}

/** @throws ApiError `request-invalid` */
function filterOf(query: Static<typeof filterQuery>): DeadLetterFilter {
  const { reason, field, source, event_type: eventType, since, until, not_replayed: notReplayed } = query;
  return {
    ...(reason !== undefined && { reason }),
    ...(field !== undefined && { field }),
    ...(source !== undefined && { source }),
    ...(eventType !== undefined && { eventType }),
    ...(since !== undefined && { since: timeOf(since, 'since') }),
    ...(until !== undefined && { until: timeOf(until, 'until') }),
    ...(notReplayed !== undefined && { notReplayed: notReplayed !== 'false' }),
  };
}

/** Milliseconds since the epoch. */
function timeOf(value: string, name: string): number {
  return Math.min(maxTime, wholeNumber(value, name));
}

import { hash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { checkPressure, refusalOfAppendFailure } from '../admission.ts';
import type { BodyMemory } from '../body-memory.ts';
import type { CollectorSettings } from '../collector-options.ts';
import type { Counters } from '../counters.ts';
import { Refusal } from '../refusal.ts';
import { checkAnnouncedLength, readBody } from '../request-body.ts';
import type { ReplayStore } from './replay-store.ts';

/** Most replays of one request. */
export const maxReplays = 1_000;

const nullableText = Type.Union([Type.String({ maxLength: 128 }), Type.Null()]);
const ReplaysBody = Type.Object(
  {
    replays: Type.Array(
      Type.Object(
        {
          origin: Type.Object(
            {
              of: Type.String({ pattern: '^clickstream-(events|errors):\\d{1,9}:\\d{1,19}$' }),
              eventId: nullableText,
              receivedAt: Type.Integer({ minimum: 0 }),
              form: Type.Union([Type.Literal('event'), Type.Literal('record')]),
              settled: Type.Boolean(),
            },
            { additionalProperties: false },
          ),
          sourceId: nullableText,
          event: Type.String(),
        },
        { additionalProperties: false },
      ),
      { maxItems: maxReplays },
    ),
  },
  { additionalProperties: false },
);

export interface ReplaysRouteServices {
  readonly settings: CollectorSettings;
  readonly store: ReplayStore;
  readonly memory: BodyMemory;
  readonly counters: Counters;
}

/**
 * `POST /v1/replays`: mended dead letters from the process that reads the lake, when another one writes the log. It
 * takes a key of its own kind, which no sender has and which sends no events (S6.5, S8); pages of a browser never
 * may. Not in the OpenAPI document, for it is no sender's.
 */
export function registerReplaysRoute(app: FastifyInstance, services: ReplaysRouteServices): void {
  const { settings, store, memory, counters } = services;
  const { replayKey, limits } = settings;
  if (replayKey === null) return;
  app.post('/v1/replays', { schema: { hide: true } }, async (request, reply) => {
    const { authorization, origin } = request.headers;
    if (origin !== undefined || !isKey(authorization, replayKey)) throw unknownKey();
    checkPressure(settings.pressure(), limits);
    checkAnnouncedLength(request.headers['content-length'], limits);
    const lease = memory.lease();
    try {
      const { replays } = parseBody(await readBody(request.raw, limits, lease));
      const outcomes = await store.append(replays).catch((error: unknown) => {
        settings.onFailure(error);
        throw refusalOfAppendFailure(error);
      });
      counters.answered();
      return await reply.send({ outcomes });
    } finally {
      lease.release();
    }
  });
}

/** By hashes of one length, so that timing tells nothing about the key. */
function isKey(authorization: string | undefined, key: string): boolean {
  const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', key, 'buffer'));
}

function unknownKey(): Refusal {
  return new Refusal({
    code: 'key-unknown',
    message: 'Replays take the replay key of this collector, outside browsers.',
    hint: 'Use `clicklake dead-letters replay`, which finds it.',
  });
}

function parseBody(bytes: Buffer): Static<typeof ReplaysBody> {
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw malformed('it is not JSON', error);
  }
  if (Value.Check(ReplaysBody, body)) return body;
  const first = Value.Errors(ReplaysBody, body)[0];
  throw malformed(`${first?.instancePath ?? ''} ${first?.message ?? ''}`.trim(), undefined);
}

function malformed(why: string, cause: unknown): Refusal {
  return new Refusal({
    code: 'request-malformed',
    message: `The replays cannot be read: ${why}. Nothing was stored.`,
    hint: 'Use the same version of clicklake for the command and the collector.',
    cause,
  });
}

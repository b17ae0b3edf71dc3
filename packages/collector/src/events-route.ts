import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkPressure } from './admission.ts';
import type { BodyLease, BodyMemory } from './body-memory.ts';
import type { CollectorSettings } from './collector-options.ts';
import { answerPreflight, mirrorOrigin } from './cors.ts';
import type { Counters } from './counters.ts';
import { eventsPreflightSchema, eventsSchema } from './openapi-schemas.ts';
import { bodyFormatOf } from './body-format.ts';
import type { UnparseableBody } from './judging/judge-body.ts';
import type { JudgeUnderLoad } from './judging/judge-under-load.ts';
import { checkAnnouncedLength, contentEncodingOf, decodeBody, readBody } from './request-body.ts';
import { authenticate, checkOrigin, clientIpOf } from './sender.ts';
import type { EventStore } from './store-events.ts';
import type { Turns } from './turns.ts';
import { allowsOrigin } from './write-key.ts';

export interface EventsRouteServices {
  readonly settings: CollectorSettings;
  readonly store: EventStore;
  readonly judge: Pick<JudgeUnderLoad, 'hasThread'>;
  readonly memory: BodyMemory;
  readonly counters: Counters;
  readonly turns: Turns;
}

/** `POST /v1/events` and its preflight. */
export function registerEventsRoute(app: FastifyInstance, services: EventsRouteServices): void {
  const { settings, memory } = services;
  const { keys } = settings;

  app.options('/v1/events', { schema: eventsPreflightSchema }, (request, reply) =>
    answerPreflight(request, reply, keys),
  );

  app.post('/v1/events', { schema: eventsSchema }, async (request, reply) => {
    const lease = memory.lease();
    void reply.header('vary', 'Origin');
    try {
      return await receive(request, reply, services, lease);
    } finally {
      lease.release();
    }
  });
}

/** Checks what can be known before the body is read, reads it, and stores it. */
async function receive(
  request: FastifyRequest,
  reply: FastifyReply,
  services: EventsRouteServices,
  lease: BodyLease,
): Promise<FastifyReply> {
  const { settings, store, judge, counters, turns } = services;
  const { keys, limits } = settings;
  const { headers } = request;
  const { origin } = headers;
  // Until the key is known the page may read why it was refused if any key allows its origin, as for a preflight.
  if (origin !== undefined && keys.allowsOrigin(origin)) mirrorOrigin(reply, origin);
  const key = authenticate(headers.authorization, keys);
  if (origin !== undefined && !allowsOrigin(key, origin))
    void reply.removeHeader('access-control-allow-origin');
  checkOrigin(key, origin);
  checkPressure(settings.pressure(), limits);
  const format = bodyFormatOf(headers['content-type']);
  const encoding = contentEncodingOf(headers['content-encoding']);
  checkAnnouncedLength(headers['content-length'], limits);

  const raw = await readBody(request.raw, limits, lease);
  const sender = { key, clientIp: clientIpOf(request), userAgent: headers['user-agent'] ?? null };
  const body = await decodeBody(raw, encoding, limits, lease);
  if (body === undefined) {
    // Compressed bytes may hide addresses which cannot be cut out of them (S1.4).
    const kept = settings.truncateIp ? new Uint8Array() : raw;
    return await store.storeUnparseable(kept, undecodable(encoding), sender);
  }
  // What another thread judges takes no time here.
  await turns.next(judge.hasThread() ? 0 : body.length);
  const answer = await store.storeEvents(body, format, sender);
  counters.answered();
  return reply.header('content-type', 'application/json; charset=utf-8').send(answer);
}

function undecodable(encoding: string): UnparseableBody {
  return {
    reason: 'malformed_json',
    message: `The body is not ${encoding}, which its Content-Encoding says.`,
  };
}

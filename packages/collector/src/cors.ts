import type { FastifyReply, FastifyRequest } from 'fastify';
import type { KeyStore } from './key-store.ts';
import { Refusal } from './refusal.ts';

/**
 * One policy for every browser SDK (sdk-compat): the Origin is mirrored, never `*`, because several of them send
 * credentials, which a star forbids.
 */
export function mirrorOrigin(reply: FastifyReply, origin: string): void {
  void reply
    .header('access-control-allow-origin', origin)
    .header('access-control-allow-credentials', 'true')
    .header('access-control-expose-headers', 'Retry-After');
}

/**
 * Answers OPTIONS. A preflight carries no key, so the origin passes when any browser key allows it; the request
 * that follows is held to its own key's origins.
 *
 * @throws Refusal `origin-not-allowed`.
 */
export function answerPreflight(request: FastifyRequest, reply: FastifyReply, keys: KeyStore): FastifyReply {
  const { origin } = request.headers;
  void reply.header('vary', 'Origin, Access-Control-Request-Headers');
  if (origin === undefined || !keys.allowsOrigin(origin)) {
    throw new Refusal({
      code: 'origin-not-allowed',
      message: `No browser key allows the origin ${origin ?? '(none)'}.`,
      hint: 'Add the origin to a browser key: `clicklake keys create --kind browser --origin <origin>`.',
    });
  }
  mirrorOrigin(reply, origin);
  const wanted = request.headers['access-control-request-headers'];
  if (wanted !== undefined) void reply.header('access-control-allow-headers', wanted);
  return reply
    .header('access-control-allow-methods', 'POST')
    .header('access-control-max-age', '600')
    .header('content-length', '0')
    .code(200)
    .send();
}

import type { Socket } from 'node:net';
import fastifySwagger from '@fastify/swagger';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { checkHost } from './admission.ts';
import type { CollectorSettings } from './collector-options.ts';
import type { Counters } from './counters.ts';
import { healthSchema, openApiSchema } from './openapi-schemas.ts';
import { Refusal, refusalBody, type RefusalCode } from './refusal.ts';

/** A Fastify instance with what every route shares: host check, refusals, time-outs, OpenAPI, health. */
export async function createHttpServer(
  settings: CollectorSettings,
  counters: Counters,
): Promise<FastifyInstance> {
  const { limits } = settings;
  const app = fastify({
    exposeHeadRoutes: false,
    trustProxy: settings.trustedProxies.length === 0 ? false : [...settings.trustedProxies],
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    http: {
      headersTimeout: limits.headersTimeoutMs,
      // How often Node looks for senders that are too slow.
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
    },
    // Requests that reach us while stopping get our own refusal.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => {
      void refuse(reply, refusalOf(error), counters);
    },
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, counters),
  });

  // The routes read their bodies themselves, within their limits, and hold them to no schema.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);

  app.addHook('onRequest', (request, _reply, done) => {
    checkHost(request.headers.host, settings.allowedHosts);
    done();
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') settings.onFailure(error);
    return refuse(reply, refusal, counters);
  });
  app.setNotFoundHandler((request, reply) => refuse(reply, notFound(request.method, request.url), counters));

  await app.register(fastifySwagger, { openapi: openApiHead });
  app.get('/health', { schema: healthSchema }, () => ({ status: 'ok' }));
  app.get('/openapi.json', { schema: openApiSchema }, () => app.swagger());
  return app;
}

const openApiHead = {
  openapi: '3.1.0',
  info: {
    title: 'clicklake collector',
    description: 'Behaviour events in. An answer of 200 means that every event of the request is durable.',
    version: '1',
  },
  components: {
    securitySchemes: {
      writeKey: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'A write key; `clicklake keys` lists them.',
      },
    },
  },
};

function refuse(reply: FastifyReply, refusal: Refusal, counters: Counters): FastifyReply {
  counters.refused(refusal.code);
  if (refusal.retryAfterSeconds !== null) void reply.header('retry-after', refusal.retryAfterSeconds);
  return reply
    .code(refusal.status)
    .header('content-type', 'application/json; charset=utf-8')
    .send(refusalBody(refusal));
}

/** Fastify's own errors, such as a malformed URL, as refusals; anything else unexpected is a defect. */
function refusalOf(error: Error & { statusCode?: number | undefined }): Refusal {
  if (error instanceof Refusal) return error;
  const { statusCode = 500 } = error;
  if (statusCode === 415) {
    return new Refusal({
      code: 'media-type-unsupported',
      message: 'The Content-Type is malformed.',
      hint: 'Use application/json or application/x-ndjson.',
      cause: error,
    });
  }
  if (statusCode >= 400 && statusCode < 500) {
    return new Refusal({
      code: 'request-malformed',
      message: error.message,
      hint: 'Mend the request.',
      cause: error,
    });
  }
  return new Refusal({
    code: 'internal',
    message: 'The collector failed on this request; nothing of it was accepted.',
    hint: 'Please report it with what the log of the collector says.',
    cause: error,
  });
}

function notFound(method: string, url: string): Refusal {
  return new Refusal({
    code: 'not-found',
    message: `There is no ${method} ${url.slice(0, 200)}.`,
    hint: 'Events go to POST /v1/events; /openapi.json describes the rest.',
  });
}

const malformed: Readonly<Record<string, readonly [RefusalCode, string, string]>> = {
  HPE_HEADER_OVERFLOW: [
    'headers-too-large',
    '431 Request Header Fields Too Large',
    'The headers are too large.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request-timeout',
    '408 Request Timeout',
    'The request took too long to arrive.',
  ],
};

/** Bytes that are not HTTP, or come too slowly: Fastify has no request for them, so the answer is written here. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket, counters: Counters): void {
  // The client is gone, or was answered already; a request in progress notices that itself.
  if (error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, status, message] = malformed[error.code ?? ''] ?? [
    'request-malformed' as const,
    '400 Bad Request',
    'The request is not HTTP/1.1.',
  ];
  counters.refused(code);
  const body = refusalBody(new Refusal({ code, message, hint: 'Send it again, whole and well-formed.' }));
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

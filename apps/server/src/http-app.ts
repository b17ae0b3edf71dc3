import fastifyCookie from '@fastify/cookie';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { fastify, type FastifyError, type FastifyReply } from 'fastify';
import { authenticate, checkHost } from './access/guard.ts';
import { securityHeaders } from './access/security-headers.ts';
import { ApiError, errorAnswer } from './api-error.ts';
import { registerBackFillRoute } from './routes/back-fill.ts';
import { registerJobRoutes } from './routes/jobs.ts';
import { registerDeadLetterRoutes } from './routes/dead-letters.ts';
import { registerLiveRoute } from './routes/live.ts';
import { registerLoginRoutes } from './routes/login.ts';
import { registerLogRoutes } from './routes/log.ts';
import { registerOverviewRoutes } from './routes/overview.ts';
import { readLockedPage } from './routes/locked-page.ts';
import { registerPageRoutes } from './routes/page.ts';
import { registerSqlRoute } from './routes/sql.ts';
import { registerRefreshRoutes } from './routes/refresh.ts';
import { registerTraceRoute } from './routes/trace.ts';
import { registerTableRoutes } from './routes/tables.ts';
import { registerTestRoutes } from './routes/tests.ts';
import type { RouteServices } from './routes/route-services.ts';
import { stopping, type ServerSettings } from './server-options.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none`: the two routes that nobody can have a credential for yet. Every other route needs one (S6.5). */
    readonly access?: 'none';
  }
}

/** A Fastify instance with every route and what all of them share: host check, credentials, headers, errors. */
export async function createHttpApp(
  settings: ServerSettings,
  end: AbortSignal,
): Promise<RouteServices['app']> {
  const app = fastify({
    exposeHeadRoutes: false,
    bodyLimit: 1024 * 1024,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, _request, reply) => void sendError(reply, badRequest(error), settings),
    // "1" is no number and an unknown option is a mistake, not something to drop.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true } },
  }).withTypeProvider<TypeBoxTypeProvider>();
  const headers = securityHeaders();

  await app.register(fastifyCookie);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.headers(headers);
    checkHost(request.headers.host, settings.allowedHosts);
    if (end.aborted) throw stopping();
    if (request.routeOptions.config.access !== 'none') {
      authenticate(request, settings.credentials, cookieName(request.socket.localPort));
    }
    done();
  });
  app.setErrorHandler((error: FastifyError, _request, reply) =>
    sendError(reply, badRequest(error), settings),
  );
  app.setNotFoundHandler((request, reply) =>
    sendError(reply, notFound(request.method, request.url), settings),
  );

  const services: RouteServices = { app, settings, end, cookieName, locked: await readLockedPage() };
  registerOverviewRoutes(services);
  registerTableRoutes(services);
  registerRefreshRoutes(services);
  registerJobRoutes(services);
  registerTestRoutes(services);
  registerSqlRoute(services);
  registerLogRoutes(services);
  registerDeadLetterRoutes(services);
  registerTraceRoute(services);
  registerBackFillRoute(services);
  registerLiveRoute(services);
  registerLoginRoutes(services);
  await registerPageRoutes(services);
  return app;
}

/** Cookies know no ports: two lakes on one machine would log each other out. */
function cookieName(localPort: number | undefined): string {
  return `clicklake_${localPort ?? 0}`;
}

function sendError(reply: FastifyReply, error: unknown, settings: ServerSettings): FastifyReply {
  const { status, body, unexpected } = errorAnswer(error);
  if (unexpected) settings.onFailure(error);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).type('application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Fastify's own refusals, of a body or a URL that it could not read, as ours. */
function badRequest(error: unknown): unknown {
  if (!(error instanceof Error) || !('statusCode' in error)) return error;
  const { statusCode } = error;
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return error;
  return new ApiError({
    code: 'request-invalid',
    message: `The request is not understood: ${error.message}.`,
    hint: 'Mend the request; the README of the server lists the routes.',
    cause: error,
  });
}

function notFound(method: string, url: string): ApiError {
  return new ApiError({
    code: 'not-found',
    message: `There is no ${method} ${url.slice(0, 200)}.`,
    hint: 'The README of the server lists the routes.',
  });
}

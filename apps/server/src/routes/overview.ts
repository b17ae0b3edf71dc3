import { Type } from 'typebox';
import type { RouteServices } from './route-services.ts';

const deepSwitch = Type.Object({ deep: Type.Optional(Type.String()) }, { additionalProperties: false });

/** `GET /api/status`, `/api/overview`, `/api/ledger`. */
export function registerOverviewRoutes({ app, settings }: RouteServices): void {
  const { admin, version, isReady } = settings;

  // Readiness and version only: whoever has no token learns no more (S6.5).
  app.get('/api/status', { config: { access: 'none' } }, (_request, reply) => {
    const ready = isReady();
    return reply.code(ready ? 200 : 503).send({ ready, version });
  });

  app.get('/api/overview', () => admin.overview());

  app.get('/api/ledger', { schema: { querystring: deepSwitch } }, (request) => {
    const { deep } = request.query;
    return admin.ledger({ deep: deep !== undefined && deep !== 'false' });
  });
}

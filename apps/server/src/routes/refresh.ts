import { Type } from 'typebox';
import type { RouteServices } from './route-services.ts';

const refreshBody = Type.Object(
  {
    full: Type.Optional(Type.Boolean()),
    models: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 100 })),
  },
  { additionalProperties: false },
);

/** `POST /api/refresh`, and `POST /api/refresh/plan`, which changes nothing. */
export function registerRefreshRoutes({ app, settings: { admin } }: RouteServices): void {
  app.post('/api/refresh', { schema: { body: refreshBody } }, ({ body: { full = false, models = [] } }) =>
    admin.refresh({ full, models }),
  );
  app.post(
    '/api/refresh/plan',
    { schema: { body: refreshBody } },
    ({ body: { full = false, models = [] } }) => admin.planRefresh({ full, models }),
  );
}

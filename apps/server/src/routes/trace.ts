import { Type } from 'typebox';
import type { RouteServices } from './route-services.ts';

/** Longer than any event_id (S2.1): what is longer is nowhere. */
const traceQuery = Type.Object(
  { event_id: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
);

/** `GET /api/trace?event_id=`: as a parameter, since an id may hold slashes. */
export function registerTraceRoute({ app, settings: { admin } }: RouteServices): void {
  app.get('/api/trace', { schema: { querystring: traceQuery } }, ({ query }) => admin.trace(query.event_id));
}

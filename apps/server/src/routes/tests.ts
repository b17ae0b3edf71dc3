import { Type } from 'typebox';
import type { RouteServices } from './route-services.ts';

const testBody = Type.Object(
  { names: Type.Optional(Type.Array(Type.String({ maxLength: 200 }), { maxItems: 1000 })) },
  { additionalProperties: false },
);

/** `POST /api/tests` runs data tests; `GET /api/tests/failing` lists those that have not passed since. */
export function registerTestRoutes({ app, settings: { admin } }: RouteServices): void {
  app.post('/api/tests', { schema: { body: testBody } }, ({ body: { names = [] } }) =>
    admin.test({ names }, {}),
  );
  app.get('/api/tests/failing', async () => ({ failing: await admin.failingTests() }));
}

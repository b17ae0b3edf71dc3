import { Type } from 'typebox';
import { clientGone } from './client-gone.ts';
import type { RouteServices } from './route-services.ts';

const sqlBody = Type.Object(
  { sql: Type.String({ minLength: 1 }), maxRows: Type.Optional(Type.Integer({ minimum: 1 })) },
  { additionalProperties: false },
);

/** `POST /api/sql`: one read-only statement. A client that goes away cancels it. */
export function registerSqlRoute({ app, settings: { admin } }: RouteServices): void {
  app.post('/api/sql', { schema: { body: sqlBody } }, (request, reply) => {
    const { sql, ...options } = request.body;
    return admin.sql(sql, { ...options, signal: clientGone(reply) });
  });
}

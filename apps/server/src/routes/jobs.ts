import { Type } from 'typebox';
import { countOf } from './query-values.ts';
import type { RouteServices } from './route-services.ts';

const runsQuery = Type.Object(
  {
    job: Type.Optional(Type.String({ maxLength: 100 })),
    failed: Type.Optional(Type.String()),
    limit: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);
const jobParams = Type.Object({ name: Type.String({ maxLength: 100 }) });
const noBody = Type.Object({}, { additionalProperties: false });

/** `GET /api/jobs`, `GET /api/runs?job=…&failed&limit=…`, `POST /api/jobs/:name/run`. */
export function registerJobRoutes({ app, settings: { admin } }: RouteServices): void {
  app.get('/api/jobs', async () => ({ jobs: await admin.jobs() }));

  app.get('/api/runs', { schema: { querystring: runsQuery } }, async (request) => {
    const { job, failed, limit } = request.query;
    const filter = {
      limit: countOf(limit, 'limit', 20),
      ...(job !== undefined && { job }),
      failed: failed !== undefined && failed !== 'false',
    };
    return { runs: await admin.runs(filter) };
  });

  app.post('/api/jobs/:name/run', { schema: { params: jobParams, body: noBody } }, (request) =>
    admin.runJob(request.params.name),
  );
}

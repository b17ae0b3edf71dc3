import { tableNames, type TableName, type TableSummary } from '@clicklake/pipeline';
import { Type } from 'typebox';
import { ApiError } from '../api-error.ts';
import { countOf } from './query-values.ts';
import type { RouteServices } from './route-services.ts';

const tableParams = Type.Object({ name: Type.String() });
const historyQuery = Type.Object({ limit: Type.Optional(Type.String()) }, { additionalProperties: false });
const columns = Type.Optional(Type.Array(Type.String()));

const optimizeBody = Type.Object(
  {
    targetBytes: Type.Optional(Type.Integer({ minimum: 1 })),
    since: Type.Optional(Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}$` })),
    sortBy: columns,
    zOrderBy: columns,
  },
  { additionalProperties: false },
);
const vacuumBody = Type.Object(
  { retentionHours: Type.Optional(Type.Number({ minimum: 0 })), dryRun: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
const restoreBody = Type.Object(
  {
    version: Type.Optional(Type.Integer({ minimum: 0 })),
    timestamp: Type.Optional(Type.String()),
    discard: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

/** `/api/tables` and what is done with one of them. */
export function registerTableRoutes({ app, settings: { admin } }: RouteServices): void {
  app.get('/api/tables', async () => ({ tables: await admin.tables() }));

  app.get(
    '/api/tables/:name/detail',
    { schema: { params: tableParams } },
    async (request): Promise<TableSummary> => {
      const { name } = request.params;
      const found = (await admin.tables()).find((table) => table.name === name);
      return found ?? noSuchTable(name);
    },
  );

  app.get(
    '/api/tables/:name/history',
    { schema: { params: tableParams, querystring: historyQuery } },
    async (request) => {
      const { name } = request.params;
      const commits = await admin.history(name, countOf(request.query.limit, 'limit', 20));
      return { commits: commits ?? noSuchTable(name) };
    },
  );

  app.post('/api/tables/:name/optimize', { schema: { params: tableParams, body: optimizeBody } }, (request) =>
    admin.optimize(parseTable(request.params.name), request.body),
  );
  app.post('/api/tables/:name/vacuum', { schema: { params: tableParams, body: vacuumBody } }, (request) =>
    admin.vacuum(parseTable(request.params.name), request.body),
  );
  app.post('/api/tables/:name/restore', { schema: { params: tableParams, body: restoreBody } }, (request) =>
    admin.restore(parseTable(request.params.name), request.body),
  );
}

/** @throws ApiError `not-found` */
function parseTable(name: string): TableName {
  return tableNames.find((known) => known === name) ?? noSuchTable(name);
}

function noSuchTable(name: string): never {
  throw new ApiError({
    code: 'not-found',
    message: `There is no table ${name.slice(0, 100)}.`,
    hint: `There are ${tableNames.join(', ')}, and those of Gold after the first \`clicklake refresh\`.`,
  });
}

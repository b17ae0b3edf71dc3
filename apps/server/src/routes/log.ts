import { Type } from 'typebox';
import { wholeNumber } from './query-values.ts';
import type { RouteServices } from './route-services.ts';

const partitionParams = Type.Object({ topic: Type.String(), partition: Type.String() });

/** The log's topics. */
export function registerLogRoutes({ app, settings: { admin } }: RouteServices): void {
  app.get('/api/topics', async () => ({ topics: await admin.topics() }));

  app.post(
    '/api/topics/:topic/:partition/skip-corrupt',
    { schema: { params: partitionParams } },
    async (request) => {
      const { topic, partition } = request.params;
      return { skipped: await admin.skipCorrupt(topic, wholeNumber(partition, 'partition')) };
    },
  );
}

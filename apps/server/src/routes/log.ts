import { Type } from 'typebox';
import { ApiError } from '../api-error.ts';
import { countOf, wholeNumber } from './query-values.ts';
import type { RouteServices } from './route-services.ts';

const partitionParams = Type.Object({ topic: Type.String(), partition: Type.String() });
const recordParams = Type.Object({ topic: Type.String(), partition: Type.String(), offset: Type.String() });
const deadLetterQuery = Type.Object(
  { limit: Type.Optional(Type.String()), reason: Type.Optional(Type.String()) },
  { additionalProperties: false },
);

/** The log's topics, and the dead letters: records by their place in the log. */
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

  app.get('/api/dead-letters', { schema: { querystring: deadLetterQuery } }, async (request) => {
    const { limit, reason } = request.query;
    const filter = { limit: countOf(limit, 'limit', 20), ...(reason !== undefined && { reason }) };
    return { deadLetters: await admin.deadLetters(filter) };
  });

  app.get(
    '/api/dead-letters/:topic/:partition/:offset',
    { schema: { params: recordParams } },
    async (request) => {
      const { topic, partition, offset } = request.params;
      const found = await admin.deadLetter(
        topic,
        wholeNumber(partition, 'partition'),
        wholeNumber(offset, 'offset'),
      );
      if (found !== undefined) return found;
      throw new ApiError({
        code: 'not-found',
        message: `There is no dead letter at ${topic}/${partition}/${offset}.`,
        hint: '`clicklake dead-letters list` shows where they are; one that was just rejected appears with the next commit.',
      });
    },
  );
}

import { PassThrough } from 'node:stream';
import { Type } from 'typebox';
import { errorAnswer, type ErrorBody } from '../api-error.ts';
import type { BackFillProgress, BackFillResult } from '../admin/lake-admin.ts';
import { clientGone } from './client-gone.ts';
import type { RouteServices } from './route-services.ts';

const rate = Type.Optional(Type.Number({ minimum: 0, maximum: 1 }));
const backFillBody = Type.Object(
  {
    events: Type.Integer({ minimum: 1 }),
    days: Type.Number({ exclusiveMinimum: 0 }),
    seed: Type.String(),
    endAt: Type.Integer({ minimum: 0 }),
    duplicateRate: rate,
    malformedRate: rate,
    lateRate: rate,
  },
  { additionalProperties: false },
);

/** A line of the answer: progress as often as it comes, then one result or error. */
export type BackFillLine =
  | { readonly progress: BackFillProgress }
  | { readonly result: BackFillResult }
  | { readonly error: ErrorBody };

/** `POST /api/back-fill`: answers NDJSON of {@link BackFillLine}. A client that goes away stops it. */
export function registerBackFillRoute({ app, settings, end }: RouteServices): void {
  app.post('/api/back-fill', { schema: { body: backFillBody } }, (request, reply) => {
    const stream = new PassThrough();
    const write = (line: BackFillLine): void => void stream.write(`${JSON.stringify(line)}\n`);
    const signal = AbortSignal.any([clientGone(reply), end]);
    settings.admin
      .backFill(request.body, { onProgress: (progress) => write({ progress }), signal })
      .then((result) => write({ result }))
      .catch((error: unknown) => {
        const { body, unexpected } = errorAnswer(error);
        if (unexpected && !signal.aborted) settings.onFailure(error);
        write({ error: body });
      })
      .finally(() => stream.end());
    return reply.type('application/x-ndjson').send(stream);
  });
}

import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { errorAnswer } from '../api-error.ts';
import { clientGone } from './client-gone.ts';
import type { RouteServices } from './route-services.ts';

/**
 * Answers NDJSON while the work goes on; what it fails with is the last line. A client that goes away, or the server's
 * end, aborts the signal. `write` waits for a client that reads slowly.
 */
export function lineStream(
  { settings, end }: Pick<RouteServices, 'settings' | 'end'>,
  reply: FastifyReply,
  work: (write: (line: object) => Promise<void>, signal: AbortSignal) => Promise<void>,
): FastifyReply {
  const stream = new PassThrough();
  const signal = AbortSignal.any([clientGone(reply), end]);
  const drained = async (line: object): Promise<void> => {
    if (!stream.write(`${JSON.stringify(line)}\n`)) await once(stream, 'drain', { signal });
  };
  const write = (line: object): Promise<void> => {
    const written = drained(line);
    // Who does not wait for it (progress) hears of a client that went away by the signal.
    written.catch(() => undefined);
    return written;
  };
  work(write, signal)
    .catch((error: unknown) => {
      const { body, unexpected } = errorAnswer(error);
      if (unexpected && !signal.aborted) settings.onFailure(error);
      return write({ error: body }).catch(() => undefined);
    })
    .finally(() => stream.end());
  return reply.type('application/x-ndjson').send(stream);
}

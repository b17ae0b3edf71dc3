import { PassThrough } from 'node:stream';
import { ApiError } from '../api-error.ts';
import type { RouteServices } from './route-services.ts';

const maxStreams = 32;
/** A slow reader's samples wait in memory up to this many bytes; then its stream is cut, and it comes again. */
const maxWaitingBytes = 256 * 1024;

/** `GET /api/live`: server-sent events `sample`, one a second (see `LiveSample`). */
export function registerLiveRoute({ app, settings: { live }, end }: RouteServices): void {
  app.get('/api/live', (_request, reply) => {
    if (live.listeners() >= maxStreams) {
      throw new ApiError({
        code: 'too-many-streams',
        message: `This server already feeds ${maxStreams} live streams.`,
        hint: 'Close other windows of the console.',
        retryable: true,
      });
    }
    const stream = new PassThrough();
    // The browser comes again by itself after this many milliseconds.
    stream.write('retry: 2000\n\n');
    const listening = live.listen((sample) => {
      stream.write(`event: sample\ndata: ${JSON.stringify(sample)}\n\n`);
      if (stream.writableLength > maxWaitingBytes) stream.destroy();
    });
    const finish = (): void => void stream.end();
    end.addEventListener('abort', finish, { once: true });
    stream.once('close', () => {
      end.removeEventListener('abort', finish);
      listening.stop();
    });
    reply.raw.once('close', () => stream.destroy());
    return reply.type('text/event-stream').header('x-accel-buffering', 'no').send(stream);
  });
}

import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { lineStream } from '../src/routes/line-stream.ts';
import type { ServerSettings } from '../src/server-options.ts';

it('a client that goes away while lines wait for it is no failure, though nobody waits for the lines', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): number => unhandled.push(reason);
  process.on('unhandledRejection', note);
  const app = fastify();
  const ended = Promise.withResolvers<unknown>();
  const failures: unknown[] = [];
  const settings = { onFailure: (error: unknown) => failures.push(error) } as unknown as ServerSettings;
  app.get('/', (_request, reply) =>
    lineStream({ settings, end: new AbortController().signal }, reply, async (write, signal) => {
      // More than the sockets between the two hold.
      const line = { text: 'x'.repeat(1 << 20) };
      for (let count = 0; count < 64; count += 1) void write(line);
      await once(signal, 'abort');
      ended.resolve(signal.reason);
      signal.throwIfAborted();
    }),
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const client = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(client, 'data');
  client.pause();
  client.destroy();
  await ended.promise;
  await turn();
  await turn();
  await app.close();
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(failures).toEqual([]);
});

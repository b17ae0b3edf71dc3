import { createServer as createNetServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createServer, type ServerOptions } from '@clicklake/server';
import { createCredentials } from '../src/access/credentials.ts';
import { startTestServer } from './support/running-server.ts';

describe('the server', () => {
  it('names the port that another program has', async () => {
    const other = createNetServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const server = createServer({ ...unused, port });
    await expect(server.start()).rejects.toMatchObject({
      code: 'server-port-in-use',
      message: expect.stringContaining(String(port)) as string,
      hint: expect.stringContaining('CLICKLAKE_PORT') as string,
    });
    await server.stop();
    await new Promise((resolve) => other.close(resolve));
  });

  it.each(['0.0.0.0', '::', '192.168.0.1', 'example.org'])(
    'does not listen on %s unless told to (S6.5)',
    (host) => {
      expect(() => createServer({ ...unused, host })).toThrow(
        expect.objectContaining({ code: 'server-host-not-loopback' }) as Error,
      );
      expect(() => createServer({ ...unused, host, allowNonLoopback: true })).not.toThrow();
    },
  );

  it('starts and stops as often as it is told, and not again after that', async () => {
    const server = createServer({ ...unused, port: 0 });
    const first = await server.start();
    expect(await server.start()).toEqual(first);
    await server.stop();
    await server.stop();
    await expect(server.start()).rejects.toMatchObject({ code: 'server-stopped' });
    await expect(fetch(`${first.url}/api/status`)).rejects.toThrow();
  });

  it('refuses more live streams than it serves', async () => {
    const running = await startTestServer();
    const leave = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: 32 }, () => running.call('/api/live', { signal: leave.signal })),
    );
    expect(streams.every(({ status }) => status === 200)).toBe(true);
    const refused = await running.call('/api/live');
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'too-many-streams' });
    leave.abort();
    await running.stop();
  });
});

/** Parts that no request of these tests reaches. */
const unused: ServerOptions = {
  admin: {} as ServerOptions['admin'],
  credentials: createCredentials('token', Date.now),
  live: { listen: () => ({ stop: () => undefined }), listeners: () => 0, close: () => undefined },
  version: '1',
  isReady: () => true,
};

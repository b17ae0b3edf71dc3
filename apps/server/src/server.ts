import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { createHttpApp } from './http-app.ts';
import { ServerError } from './server-error.ts';
import { parseOptions, urlHost, type ServerOptions, type ServerSettings } from './server-options.ts';

export interface Server {
  /**
   * Listens. Idempotent.
   *
   * @throws ServerError `server-port-in-use`, `server-stopped`.
   */
  start(): Promise<{ readonly url: string }>;
  /** Ends the live streams, finishes the requests in flight, closes every connection. Idempotent. */
  stop(): Promise<void>;
}

/** How long requests in flight may take after `stop` before their connections are cut. */
const stopGraceMs = 3_000;

/** The admin API and the status page on one port. @throws ServerError `server-host-not-loopback`. */
export function createServer(options: ServerOptions): Server {
  const settings = parseOptions(options);
  const end = new AbortController();
  let started: Promise<{ app: FastifyInstance; url: string }> | undefined;
  let stopped: Promise<void> | undefined;

  async function listen(): Promise<{ app: FastifyInstance; url: string }> {
    const app = await createHttpApp(settings, end.signal);
    try {
      await app.listen({ host: settings.host, port: settings.port });
    } catch (error) {
      await app.close();
      throw listenError(error, settings);
    }
    const { port } = app.server.address() as AddressInfo;
    return { app, url: `http://${urlHost(settings.host)}:${port}` };
  }

  async function close(): Promise<void> {
    end.abort();
    const running = await started?.catch(() => undefined);
    if (running === undefined) return;
    const cut = setTimeout(() => running.app.server.closeAllConnections(), stopGraceMs);
    await running.app.close();
    clearTimeout(cut);
  }

  return {
    async start() {
      if (stopped !== undefined) {
        throw new ServerError({
          code: 'server-stopped',
          message: 'This server was stopped.',
          hint: 'Create a new one.',
        });
      }
      started ??= listen();
      return { url: (await started).url };
    },
    stop: () => (stopped ??= close()),
  };
}

function listenError(error: unknown, { host, port }: ServerSettings): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) return error;
  return new ServerError({
    code: 'server-port-in-use',
    message: `Another program already listens on ${urlHost(host)}:${port}.`,
    hint: 'Stop it, or choose another port with --port or CLICKLAKE_PORT.',
    details: { host, port },
    cause: error,
  });
}

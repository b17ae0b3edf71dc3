import { BlockList, isIP } from 'node:net';
import { ApiError } from './api-error.ts';
import type { Credentials } from './access/credentials.ts';
import type { LakeAdmin } from './admin/lake-admin.ts';
import type { LiveFeed } from './live/live-feed.ts';
import { ServerError } from './server-error.ts';

export interface ServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8084; 0 takes a free one. */
  readonly port?: number;
  /** Needed to bind beyond loopback (S6.5). */
  readonly allowNonLoopback?: boolean;
  /** Host names, besides those of loopback and `host`, under which browsers may address this server (S6.5). */
  readonly allowedHosts?: readonly string[];
  readonly admin: LakeAdmin;
  readonly credentials: Credentials;
  readonly live: LiveFeed;
  readonly version: string;
  /** Whether everything serves: what `GET /api/status` answers. */
  readonly isReady: () => boolean;
  /** Told of every failure that is a defect. Must not throw. */
  readonly onFailure?: (error: unknown) => void;
}

/** Options past the boundary: complete. */
export interface ServerSettings extends Required<Omit<ServerOptions, 'allowNonLoopback' | 'allowedHosts'>> {
  /** Lower-case host names, without port. */
  readonly allowedHosts: ReadonlySet<string>;
}

/** @throws ServerError `server-host-not-loopback` */
export function parseOptions(options: ServerOptions): ServerSettings {
  const host = options.host ?? '127.0.0.1';
  if (options.allowNonLoopback !== true && !isLoopback(host)) {
    throw new ServerError({
      code: 'server-host-not-loopback',
      message: `The console and admin API would listen on ${host}, where other machines can reach them.`,
      hint: 'Pass --allow-non-loopback when that is meant, and put TLS in front; or leave the host at 127.0.0.1.',
      details: { host },
    });
  }
  const names = ['127.0.0.1', 'localhost', '[::1]', urlHost(host), ...(options.allowedHosts ?? [])];
  return {
    host,
    port: options.port ?? 8084,
    allowedHosts: new Set(names.map((name) => name.toLowerCase())),
    admin: options.admin,
    credentials: options.credentials,
    live: options.live,
    version: options.version,
    isReady: options.isReady,
    onFailure: options.onFailure ?? (() => undefined),
  };
}

/** A host as it stands in a URL: IPv6 in brackets. */
export function urlHost(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

function isLoopback(host: string): boolean {
  const family = isIP(host);
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/** The answer to a request that comes while the server stops. */
export function stopping(): ApiError {
  return new ApiError({
    code: 'stopping',
    message: 'The server is shutting down.',
    hint: 'Start it again with `clicklake up`.',
    retryable: true,
  });
}

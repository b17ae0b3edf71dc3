import type { FastifyRequest } from 'fastify';
import { ApiError } from '../api-error.ts';
import type { Credentials } from './credentials.ts';

/** The header by which the console marks what it asks for: no other site can send it without our consent. */
export const consoleHeader = 'x-clicklake-console';

/**
 * Turns away requests under a foreign name: a page of another site whose name resolves to this machine would
 * otherwise be of our origin (S6.5).
 *
 * @throws ApiError `host-not-allowed`
 */
export function checkHost(host: string | undefined, allowed: ReadonlySet<string>): void {
  if (allowed.has(hostNameOf(host ?? ''))) return;
  throw new ApiError({
    code: 'host-not-allowed',
    message: 'The Host header names another server.',
    hint: 'Use the address that `clicklake up` prints; name further hosts in server.allowed_hosts.',
  });
}

/** `[::1]:8084` → `[::1]`, `LOCALHOST:8084` → `localhost`. */
function hostNameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

/**
 * Lets a request pass that carries the token, or the console's cookie. With the cookie, whatever is not a GET
 * must come from the console itself: a page on another port of this machine is of the same site, so that
 * SameSite=Strict does not keep its requests away (S6.5).
 *
 * @throws ApiError `token-missing`, `token-invalid`, `origin-not-allowed`
 */
export function authenticate(request: FastifyRequest, credentials: Credentials, cookieName: string): void {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
    if (token !== undefined && credentials.isToken(token)) return;
    throw new ApiError({
      code: 'token-invalid',
      message: 'The token is not the one of this server.',
      hint: 'Send `Authorization: Bearer` with the content of secrets/api-token below CLICKLAKE_HOME.',
    });
  }
  const cookie = request.cookies[cookieName];
  if (cookie === undefined) throw notLoggedIn('token-missing', 'This route needs the API token, or a login.');
  if (!credentials.isSession(cookie)) throw notLoggedIn('token-invalid', 'The login has expired.');
  if (request.method !== 'GET' && request.method !== 'HEAD') checkFromConsole(request);
}

function checkFromConsole(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  const marked = request.headers[consoleHeader] !== undefined;
  const sameOrigin = origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
  if (marked && sameOrigin) return;
  throw new ApiError({
    code: 'origin-not-allowed',
    message: 'With the console’s cookie only the console itself may ask for this.',
    hint: `Use the API token; or send ${consoleHeader} from a page of this server.`,
  });
}

function notLoggedIn(code: 'token-missing' | 'token-invalid', message: string): ApiError {
  return new ApiError({ code, message, hint: 'Run `npx clicklake open` for a fresh login link.' });
}

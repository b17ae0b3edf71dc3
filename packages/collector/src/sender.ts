import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { KeyStore } from './key-store.ts';
import { Refusal } from './refusal.ts';
import { allowsOrigin, type WriteKey } from './write-key.ts';

/**
 * The write key of a request: `Authorization: Bearer <key>`, or Basic with the key as the user name, as SDKs of
 * other products send it.
 *
 * @throws Refusal `key-missing`, `key-unknown`.
 */
export function authenticate(authorization: string | undefined, keys: KeyStore): WriteKey {
  const secret = secretOf(authorization ?? '');
  if (secret === undefined) {
    throw new Refusal({
      code: 'key-missing',
      message: 'The request carries no write key.',
      hint: 'Send "Authorization: Bearer <write key>"; `clicklake keys` lists the keys.',
    });
  }
  const key = keys.find(secret);
  if (key === undefined) {
    throw new Refusal({
      code: 'key-unknown',
      message: 'The write key is not known here, or was revoked.',
      hint: '`clicklake keys` lists the keys of this collector.',
    });
  }
  return key;
}

/**
 * A browser key stands in a page for all to read: only pages of its origins may use it.
 *
 * @throws Refusal `origin-not-allowed`.
 */
export function checkOrigin(key: WriteKey, origin: string | undefined): void {
  if (key.kind === 'server') return;
  if (origin !== undefined && allowsOrigin(key, origin)) return;
  throw new Refusal({
    code: 'origin-not-allowed',
    message:
      origin === undefined
        ? `The browser key "${key.name}" was used without an Origin.`
        : `The browser key "${key.name}" does not allow the origin ${origin}.`,
    hint: 'Use a server key outside browsers, or a browser key that lists this origin.',
  });
}

/** The sender's address: the peer, or what a trusted proxy forwards (S1.4). Null when that is no address. */
export function clientIpOf(request: FastifyRequest): string | null {
  const address = request.ip.startsWith('::ffff:') ? request.ip.slice('::ffff:'.length) : request.ip;
  return isIP(address) === 0 ? null : address;
}

function secretOf(authorization: string): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const [user] = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1);
  return user === '' ? undefined : user;
}

import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a browser stays logged in. */
const sessionMs = 7 * 86_400_000;
/** How long a login link can be used. */
const linkMs = 10 * 60_000;
/** Links that nobody used; the oldest is forgotten beyond it. */
const maxOpenLinks = 100;

export interface LoginCode {
  readonly code: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Who may use the admin API (S6.5). */
export interface Credentials {
  isToken(given: string): boolean;
  /** Makes a code for one login link: it works once, for ten minutes. */
  createLoginCode(): LoginCode;
  /** Trades a login code for a session's cookie value; undefined when it is not (or no longer) good. */
  redeem(code: string): Session | undefined;
  isSession(cookie: string): boolean;
}

export interface Session {
  readonly cookie: string;
  readonly maxAgeSeconds: number;
}

/**
 * A session is a date signed with the API token: it outlives a restart of the server without a store, and ends
 * with the token.
 */
export function createCredentials(token: string, now: () => number): Credentials {
  const tokenDigest = digest(token);
  // Codes are kept as digests, so that the lookup's timing tells nothing about them.
  const expiryOfLink = new Map<string, number>();

  function sign(text: string): string {
    return createHmac('sha256', token).update(`session ${text}`).digest('base64url');
  }

  return {
    isToken: (given) => timingSafeEqual(digest(given), tokenDigest),

    createLoginCode() {
      const code = randomBytes(24).toString('base64url');
      const expiresAt = now() + linkMs;
      expiryOfLink.set(digest(code).toString('hex'), expiresAt);
      const [oldest] = expiryOfLink.keys();
      if (expiryOfLink.size > maxOpenLinks && oldest !== undefined) expiryOfLink.delete(oldest);
      return { code, expiresAt };
    },

    redeem(code) {
      const key = digest(code).toString('hex');
      const expiresAt = expiryOfLink.get(key);
      expiryOfLink.delete(key);
      if (expiresAt === undefined || expiresAt <= now()) return undefined;
      const content = `${now() + sessionMs}.${randomBytes(12).toString('base64url')}`;
      return { cookie: `${content}.${sign(content)}`, maxAgeSeconds: sessionMs / 1000 };
    },

    isSession(cookie) {
      const end = cookie.lastIndexOf('.');
      const content = cookie.slice(0, Math.max(0, end));
      const isOurs = timingSafeEqual(digest(sign(content)), digest(cookie.slice(end + 1)));
      return isOurs && Number(content.split('.')[0]) > now();
    },
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

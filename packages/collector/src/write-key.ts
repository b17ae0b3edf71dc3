import { randomBytes } from 'node:crypto';
import { CollectorError } from './collector-error.ts';

/**
 * `browser` keys are public (they stand in a page's source), so they work only from the origins they list.
 * `server` keys are secret: no origin check, and `ip_address` in the body is believed (S1.4).
 */
export type KeyKind = 'browser' | 'server';

export interface WriteKey {
  readonly key: string;
  /** Stamped on every event as source_id: it tells which site or service sent it, and survives key rotation. */
  readonly sourceId: string;
  readonly name: string;
  readonly kind: KeyKind;
  /** `https://shop.example`, `http://localhost:*` (any port), `null` (file pages) or `*`; unused by server keys. */
  readonly allowedOrigins: readonly string[];
  readonly rateLimitDeadLettersPerMinute: number;
}

export interface NewWriteKey {
  readonly name: string;
  readonly kind: KeyKind;
  /** Default: the name. */
  readonly sourceId?: string;
  readonly allowedOrigins?: readonly string[];
  readonly rateLimitDeadLettersPerMinute?: number;
}

/** A page of a developer's own machine, on any port. */
export const localOrigins: readonly string[] = ['http://localhost:*', 'http://127.0.0.1:*', 'http://[::1]:*'];

const defaultDeadLettersPerMinute = 6_000;

/**
 * Makes a key with 192 random bits.
 *
 * @throws CollectorError `key-option-invalid`.
 */
export function generateWriteKey(wanted: NewWriteKey): WriteKey {
  const allowedOrigins = wanted.kind === 'browser' ? (wanted.allowedOrigins ?? localOrigins) : [];
  const rateLimit = wanted.rateLimitDeadLettersPerMinute ?? defaultDeadLettersPerMinute;
  const sourceId = wanted.sourceId ?? wanted.name;
  if (wanted.name === '' || sourceId === '' || Buffer.byteLength(sourceId) > 128) {
    throw invalid('A write key needs a name, and a source id of at most 128 bytes.', 'Give it a --name.');
  }
  if (!(rateLimit > 0))
    throw invalid('The dead-letter rate limit must be above 0.', 'Leave it out for the default.');
  const wrong = allowedOrigins.find((origin) => !isOriginPattern(origin));
  if (wrong !== undefined) {
    throw invalid(
      `"${wrong}" is not an origin.`,
      'Write scheme://host[:port] with no path, as in https://shop.example.',
    );
  }
  return {
    key: `${wanted.kind === 'browser' ? 'wkb' : 'wks'}_${randomBytes(24).toString('base64url')}`,
    sourceId,
    name: wanted.name,
    kind: wanted.kind,
    allowedOrigins: [...allowedOrigins],
    rateLimitDeadLettersPerMinute: rateLimit,
  };
}

/** Whether a page of this origin may use the key. */
export function allowsOrigin(key: WriteKey, origin: string): boolean {
  if (key.kind !== 'browser') return false;
  return key.allowedOrigins.some((pattern) => matchesOrigin(pattern, origin));
}

function matchesOrigin(pattern: string, origin: string): boolean {
  if (pattern === origin) return true;
  // A sandboxed frame of any site has the origin `null`: the star does not stand for it.
  if (pattern === '*') return origin !== 'null';
  if (!pattern.endsWith(':*')) return false;
  const host = pattern.slice(0, -2);
  return (
    origin === host || (origin.startsWith(`${host}:`) && /^\d{1,5}$/.test(origin.slice(host.length + 1)))
  );
}

function isOriginPattern(text: string): boolean {
  if (text === '*' || text === 'null') return true;
  const origin = text.endsWith(':*') ? text.slice(0, -2) : text;
  return URL.canParse(origin) && new URL(origin).origin === origin;
}

function invalid(message: string, hint: string): CollectorError {
  return new CollectorError({ code: 'key-option-invalid', message, hint });
}

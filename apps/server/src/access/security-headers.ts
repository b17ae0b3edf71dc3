import { createHash } from 'node:crypto';

/** Sent with every answer. The page's script and style are files of ours; nothing inline, nothing from elsewhere. */
export function securityHeaders(): Readonly<Record<string, string>> {
  return { ...fixed, 'content-security-policy': policy("'self'") };
}

/** For a page that brings one style of its own, because whoever sees it may not load files yet. */
export function securityHeadersWithStyle(style: string): Readonly<Record<string, string>> {
  const hash = createHash('sha256').update(style).digest('base64');
  return { ...fixed, 'content-security-policy': policy(`'sha256-${hash}'`) };
}

const fixed = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

function policy(styleSource: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src ${styleSource}`,
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

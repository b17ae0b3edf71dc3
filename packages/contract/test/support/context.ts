import type { PrepareContext } from '@clicklake/contract';

/** What the collector would know of a request at noon of 1 June 2026. */
export function clientContext(given: Partial<PrepareContext> = {}): PrepareContext {
  let ids = 0;
  return {
    receivedAt: Date.UTC(2026, 5, 1, 12),
    sourceId: 'web',
    clientIp: '198.51.100.23',
    trustBodyIp: false,
    truncateIp: false,
    userAgent: null,
    enrich: () => ({ deviceType: 'mobile', browser: 'Firefox', os: 'Android', isBot: false }),
    newEventId: () => `generated-${++ids}`,
    ...given,
  };
}

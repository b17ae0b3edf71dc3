import { createContract } from '@clicklake/contract';
import type { NewRecord } from '@clicklake/event-log';

/** Records for the log, and what must become of them: counted by hand, not by the pipeline's code. */
export interface Workload {
  readonly records: readonly NewRecord[];
  readonly silverIds: ReadonlySet<string>;
  readonly duplicates: number;
  readonly deadLetters: number;
}

const contract = createContract();

/**
 * Valid events of the collector, repeats of them (soon, later, and from another user, so in another
 * partition), foreign producers' events and refusals. The same for the same arguments.
 */
export function makeWorkload(prefix: string, events: number, startMs: number): Workload {
  const records: NewRecord[] = [];
  const silverIds = new Set<string>();
  let duplicates = 0;
  let deadLetters = 0;
  for (let index = 0; index < events; index += 1) {
    const now = startMs + index;
    const id = `${prefix}-${index}`;
    records.push(collected(id, `user-${index % 17}`, now));
    silverIds.add(id);
    if (index % 7 === 3) {
      records.push(collected(`${prefix}-${index - 3}`, `user-${(index - 3) % 17}`, now));
      duplicates += 1;
    }
    if (index % 11 === 5) {
      records.push(collected(id, `user-${(index + 1) % 17}`, now));
      duplicates += 1;
    }
    if (index % 13 === 6) {
      records.push(
        foreign({ event_id: `${prefix}-foreign-${index}`, event_type: 'page_view', user_id: 'f' }, now),
      );
      silverIds.add(`${prefix}-foreign-${index}`);
      records.push(
        foreign({ event_id: `${prefix}-bad-${index}`, event_type: 'no such type', user_id: 'f' }, now),
      );
      deadLetters += 1;
    }
    if (index % 19 === 8) {
      records.push(refused(`${prefix} refused ${index}`, now));
      deadLetters += 1;
    }
  }
  return { records, silverIds, duplicates, deadLetters };
}

export function collected(eventId: string, userId: string, receivedAt: number): NewRecord {
  return collectedEvent(
    {
      event_id: eventId,
      user_id: userId,
      event_type: 'product_view',
      product_id: 'laptop',
      page_url: 'https://shop.example/products/laptop',
      timestamp: new Date(receivedAt - 1000).toISOString(),
      time_on_page: 12,
    },
    receivedAt,
  );
}

/** What `collectedEvent` marks as a bot. */
export const botUserAgent = 'Googlebot';

type SentEvent = Readonly<Record<string, unknown>> & { readonly event_id: string };

/** The record that the collector makes of a valid event with an id. */
export function collectedEvent(
  event: SentEvent,
  receivedAt: number,
  { deviceType, isBot } = { deviceType: 'desktop', isBot: false },
): NewRecord {
  const prepared = contract.prepare(event, {
    receivedAt,
    sourceId: 'test',
    clientIp: '203.0.113.7',
    trustBodyIp: false,
    truncateIp: false,
    userAgent: null,
    enrich: (userAgent) => ({
      deviceType,
      browser: 'Firefox',
      os: 'Linux',
      isBot: isBot || userAgent === botUserAgent,
    }),
    newEventId: () => event.event_id,
  });
  if (!prepared.ok) throw new Error(prepared.message);
  return {
    topic: 'clickstream-events',
    key: prepared.key,
    value: prepared.value,
    timestamp: receivedAt,
    judgedBy: contract.fingerprint,
  };
}

export function foreign(event: unknown, timestamp: number): NewRecord {
  const value = typeof event === 'string' ? event : JSON.stringify(event, null, 1);
  return { topic: 'clickstream-events', key: 'foreign', value, timestamp, judgedBy: null };
}

export function refused(raw: string, timestamp: number): NewRecord {
  const key = JSON.stringify({
    reason: 'wrong_type',
    field: 'user_id',
    message: 'no',
    event_id: null,
    source_id: 's',
  });
  return { topic: 'clickstream-errors', key, value: raw, timestamp, judgedBy: null };
}

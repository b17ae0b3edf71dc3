import { integerBelow, seededRandom } from '@clicklake/durable-files/testing';
import type { NewRecord } from '@clicklake/event-log';
import { collectedEvent } from '../harness/records.ts';

const minute = 60_000;
const dayMs = 1440 * minute;
export const firstDay = Date.UTC(2026, 4, 10);
const types = [
  'page_view',
  'page_view',
  'product_view',
  'add_to_cart',
  'checkout',
  'purchase',
  'custom',
] as const;
const products = ['laptop', 'smartphone', 'headphones', null] as const;

export interface ShopDays {
  readonly prefix: string;
  readonly events: number;
  readonly seed: number;
  /** From the first of this many days after `firstDay`, for so many. */
  readonly fromDay: number;
  readonly days: number;
}

/**
 * Records of visitors with and without an account and of bots, at any time of the days, midnights and equal times
 * among them, and of one who is active without a gap; what is optional is often missing.
 */
export function shopRecords({ prefix, events, seed, fromDay, days }: ShopDays): readonly NewRecord[] {
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]): Item => items[integerBelow(random, items.length)] as Item;
  const receivedFrom = firstDay + 20 * dayMs;
  const records: NewRecord[] = [];
  const add = (user: string, at: number, type: (typeof types)[number]): void => {
    const number = records.length;
    const maybe = (value: unknown): unknown => (random() < 0.7 ? value : undefined);
    const event = {
      event_id: `${prefix}-${String(number).padStart(6, '0')}`,
      ...(user.startsWith('anon') ? { anonymous_id: user } : { user_id: user, anonymous_id: maybe('other') }),
      event_type: type,
      ...(type === 'custom' ? { event_name: 'scrolled' } : {}),
      product_id: pick(products) ?? undefined,
      session_id: maybe(`client-${user}`),
      timestamp: new Date(at).toISOString(),
      page_url: maybe(`https://shop.example/${type}/${number % 7}`),
      referrer: maybe('https://search.example/'),
      country: maybe(pick(['DE', 'US', 'BR'])),
      time_on_page: maybe(integerBelow(random, 600)),
    };
    records.push(
      collectedEvent(event, receivedFrom + number, {
        deviceType: pick(['desktop', 'mobile']),
        isBot: user.startsWith('bot'),
      }),
    );
  };
  const users = Array.from({ length: 24 }, (_, index) =>
    index % 8 === 0 ? `bot-${index}` : index % 3 === 0 ? `anon-${index}` : `user-${index}`,
  );
  for (let index = 0; index < events; index += 1) {
    const day = firstDay + (fromDay + integerBelow(random, days)) * dayMs;
    const nearMidnight = random() < 0.2 ? integerBelow(random, 40) * minute : integerBelow(random, dayMs);
    add(pick(users), day + nearMidnight, pick(types));
  }
  // Without a gap for longer than a session may last.
  for (let step = 0; step < 26 * 3; step += 1)
    add('user-busy', firstDay + fromDay * dayMs + 20 * 60 * minute + step * 20 * minute, pick(types));
  return records;
}

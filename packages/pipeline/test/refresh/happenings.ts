import fc from 'fast-check';
import { dayStart, minute } from './gold-bench.ts';
import type { EventType } from './gold-oracle.ts';
import type { Copy, DrawnEvent } from './silver-model.ts';

/** What may happen to a lake. */
export type Happening =
  /** A batch: events, and copies of earlier records by their number, here and there between them. */
  | { readonly kind: 'send'; readonly events: readonly DrawnEvent[]; readonly copies: readonly Copy[] }
  /** Events that the collector rejects. */
  | { readonly kind: 'reject'; readonly events: readonly DrawnEvent[] }
  /** Every dead letter that is not replayed yet, mended and replayed so many times before it is ingested. */
  | { readonly kind: 'replay'; readonly times: number }
  /** Silver as it was, by a share of its versions so far; `later`: the log is not read again at once. */
  | { readonly kind: 'restore'; readonly back: number; readonly discard: boolean; readonly later: boolean }
  | { readonly kind: 'refresh'; readonly times: number; readonly inPieces: boolean }
  /** A refresh that fails where it passes a point for the nth time. */
  | {
      readonly kind: 'interrupted refresh';
      readonly point: string;
      readonly nth: number;
      readonly inPieces: boolean;
    }
  | { readonly kind: 'compact' }
  | { readonly kind: 'restart' };

// Most around few midnights, in steps at which a gap just is or is not one: there events make or part sessions of two dates.
const minutes = fc.oneof(
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 6 * 1440 }) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: -6, max: 6 }))
      .map(([day, step]) => day * 1440 + step * 15),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 0.001, -0.001))
      .map(([step, off]) => step * 30 + off),
  },
);
const drawnEvent = fc.record({
  who: fc.tuple(
    fc.constantFrom('ann', 'ben', 'cleo'),
    fc.constantFrom('user', 'user', 'anonymous', 'both' as const),
  ),
  minutes,
  type: fc.constantFrom<EventType>(
    'page_view',
    'product_view',
    'product_view',
    'add_to_cart',
    'checkout',
    'purchase',
    'custom',
  ),
  product: fc.constantFrom(null, 'laptop', 'tablet'),
  seconds: fc.option(fc.integer({ min: 0, max: 1000 })),
  isBot: fc.constantFrom(false, false, false, true),
  clientSession: fc.constantFrom(null, 'c1', 'c2'),
  page: fc.constantFrom(null, 'https://shop.example/', 'https://shop.example/cart'),
  referrer: fc.constantFrom(null, 'https://search.example/'),
  country: fc.constantFrom(null, 'DE', 'BR'),
  device: fc.constantFrom(null, 'mobile', 'desktop'),
});
/** Half of the batches are of one day, so that what happens to them touches no other by itself. */
const events: fc.Arbitrary<readonly DrawnEvent[]> = fc
  .tuple(
    fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2 }),
    fc.oneof(
      fc.array(drawnEvent, { minLength: 1, maxLength: 3 }),
      fc.array(drawnEvent, { minLength: 3, maxLength: 20, size: 'max' }),
    ),
  )
  .map(([day, drawn]) =>
    drawn.map(({ who: [name, signedIn], minutes: at, ...more }) => ({
      ...more,
      // The visitor's name may stand in either place; beside a user_id another anonymous_id says nothing (S7.1).
      userId: signedIn === 'anonymous' ? null : name,
      anonymousId: signedIn === 'anonymous' ? name : signedIn === 'both' ? 'a device' : null,
      at: dayStart + Math.max(0, Math.round((day === null ? at : day * 1440 + (at % 1440)) * minute)),
    })),
  );
const share = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000);
const copies = fc.array(fc.record({ of: share, at: share }), { maxLength: 6 });

const inPieces = fc.constantFrom(false, false, true);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), events, copies }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reject' as const), events }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('replay' as const), times: fc.constantFrom(1, 2) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      back: share,
      discard: fc.boolean(),
      later: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('refresh' as const), times: fc.constantFrom(1, 2), inPieces }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('interrupted refresh' as const),
      point: fc.constantFrom(
        'refresh-planned',
        'refresh-after-model',
        'delta-parquet-written',
        'delta-before-commit',
        'delta-after-commit',
      ),
      nth: fc.integer({ min: 1, max: 5 }),
      inPieces,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'compact' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** They begin with a batch: without one there is no Gold. */
export function happenings(most: number): fc.Arbitrary<readonly Happening[]> {
  return fc
    .tuple(
      fc.record({ kind: fc.constant('send' as const), events, copies }),
      fc.array(happening, { minLength: 5, maxLength: most - 1, size: 'max' }),
    )
    .map(([first, others]) => [first, ...others]);
}

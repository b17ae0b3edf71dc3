import type { NonEmpty, Random } from './random.ts';
import type { EventType } from './simulated-event.ts';

/** What a shopper may do next. Each step but `leave` sends one event. */
export type Step =
  | 'browse'
  | 'view_product'
  | 'search'
  | 'subscribe'
  | 'add_to_wishlist'
  | 'add_to_cart'
  | 'sign_in'
  | 'sign_up'
  | 'check_out'
  | 'buy';

interface StepTraits {
  readonly eventType: EventType;
  /** Of a `custom` event. */
  readonly eventName: string | null;
  /** Median time until the next step, ms, and its spread (sigma of the log-normal). */
  readonly medianThinkMs: number;
  readonly spread: number;
}

export const stepTraits: Readonly<Record<Step, StepTraits>> = {
  browse: { eventType: 'page_view', eventName: null, medianThinkMs: 14_000, spread: 0.9 },
  view_product: { eventType: 'product_view', eventName: null, medianThinkMs: 28_000, spread: 0.9 },
  search: { eventType: 'custom', eventName: 'search', medianThinkMs: 8000, spread: 0.6 },
  subscribe: { eventType: 'custom', eventName: 'newsletter_signup', medianThinkMs: 6000, spread: 0.5 },
  add_to_wishlist: { eventType: 'custom', eventName: 'add_to_wishlist', medianThinkMs: 5000, spread: 0.5 },
  add_to_cart: { eventType: 'add_to_cart', eventName: null, medianThinkMs: 10_000, spread: 0.8 },
  sign_in: { eventType: 'custom', eventName: 'sign_in', medianThinkMs: 9000, spread: 0.5 },
  sign_up: { eventType: 'custom', eventName: 'sign_up', medianThinkMs: 25_000, spread: 0.5 },
  check_out: { eventType: 'checkout', eventName: null, medianThinkMs: 55_000, spread: 0.7 },
  buy: { eventType: 'purchase', eventName: null, medianThinkMs: 12_000, spread: 0.7 },
};

interface Way {
  readonly to: Step | 'leave';
  readonly odds: number;
  /** Towards a purchase: multiplied by the shopper's intent. */
  readonly forward?: boolean;
}

/** Where each step leads, by relative odds. Every level of the funnel loses more people than it passes on. */
const ways: Readonly<Record<Step, NonEmpty<Way>>> = {
  browse: [
    { to: 'view_product', odds: 52 },
    { to: 'browse', odds: 16 },
    { to: 'search', odds: 9 },
    { to: 'subscribe', odds: 2 },
    { to: 'leave', odds: 13 },
  ],
  view_product: [
    { to: 'view_product', odds: 35 },
    { to: 'add_to_cart', odds: 13, forward: true },
    { to: 'browse', odds: 14 },
    { to: 'add_to_wishlist', odds: 2 },
    { to: 'leave', odds: 20 },
  ],
  search: [
    { to: 'view_product', odds: 70 },
    { to: 'search', odds: 12 },
    { to: 'leave', odds: 12 },
  ],
  subscribe: [
    { to: 'browse', odds: 50 },
    { to: 'leave', odds: 50 },
  ],
  add_to_wishlist: [
    { to: 'view_product', odds: 60 },
    { to: 'leave', odds: 40 },
  ],
  add_to_cart: [
    { to: 'check_out', odds: 40, forward: true },
    { to: 'view_product', odds: 27 },
    { to: 'browse', odds: 9 },
    { to: 'leave', odds: 24 },
  ],
  sign_in: [
    { to: 'check_out', odds: 94 },
    { to: 'leave', odds: 6 },
  ],
  sign_up: [
    { to: 'check_out', odds: 90 },
    { to: 'leave', odds: 10 },
  ],
  check_out: [
    { to: 'buy', odds: 60, forward: true },
    { to: 'browse', odds: 6 },
    { to: 'leave', odds: 34 },
  ],
  buy: [
    { to: 'browse', odds: 22 },
    { to: 'leave', odds: 78 },
  ],
};

/** People who carry something in the cart find their way back to it from any page. */
const backToCart: Way = { to: 'check_out', odds: 12, forward: true };

/** What the shopper does after `step`. */
export function nextStep(
  random: Random,
  step: Step,
  shopper: { readonly intent: number; readonly hasCart: boolean },
): Step | 'leave' {
  const oddsOf = (way: Way): number => (way.forward === true ? way.odds * shopper.intent : way.odds);
  const detour = shopper.hasCart && (step === 'browse' || step === 'view_product') ? oddsOf(backToCart) : 0;
  let total = detour;
  for (const way of ways[step]) total += oddsOf(way);
  let left = random.fraction() * total;
  for (const way of ways[step]) {
    left -= oddsOf(way);
    if (left < 0) return way.to;
  }
  return detour > 0 ? backToCart.to : 'leave';
}

const minute = 60_000;
const distractionShare = 0.02;

/** Well below the 30 minutes at which a session would be cut (S7.2). */
export const longestThinkMs = 25 * minute;

/** How long the shopper stays with `step` before the next one, whole ms; sometimes the phone rings. */
export function thinkTime(random: Random, step: Step): number {
  const { medianThinkMs, spread } = stepTraits[step];
  const distraction = random.chance(distractionShare) ? random.between(2 * minute, 18 * minute) : 0;
  return Math.round(Math.min(longestThinkMs, 800 + random.logNormal(medianThinkMs, spread) + distraction));
}

import type { Arrival } from './audience.ts';
import { drawExtraFields } from './extra-fields.ts';
import { nextStep, stepTraits, thinkTime, type Step } from './journey.ts';
import { drawLanding } from './landing.ts';
import type { Random } from './random.ts';
import { arriveAt, enterStep, type ShopperState } from './shopper-state.ts';
import { deviceOf, type Shopper } from './shopper.ts';
import { writeEvent } from './simulated-event.ts';
import type { Visit, VisitEvent } from './visit.ts';

const signedInAtStartShare = 0.55;
const favouriteDeviceShare = 0.7;
/** Small screens are for looking. */
const mobileIntent = 0.75;

/**
 * One shopper's session on one device: from the landing page through as much of the funnel as they go.
 * Its gaps are at most `longestThinkMs`, so Gold derives the same session (S7.2).
 */
export function startShopperVisit(options: {
  readonly random: Random;
  readonly arrival: Arrival;
  /** ms since the epoch. */
  readonly startAt: number;
  /** How long each event waits on the device before it is sent, ms. */
  readonly lateBy: number;
  readonly extraFieldRate: number;
}): Visit {
  const { random, arrival, lateBy } = options;
  const { shopper } = arrival;
  const deviceNumber = random.chance(favouriteDeviceShare) ? 0 : random.integer(shopper.deviceCount);
  const { device, anonymousId, ipAddress } = deviceOf(shopper, deviceNumber);
  const intent = shopper.intent * (device.deviceType === 'mobile' ? mobileIntent : 1);
  const sessionId = `s_${random.hex64()}`;
  const landing = drawLanding(random);
  const signedIn = shopper.member && random.chance(signedInAtStartShare);
  const state = arriveAt(landing, signedIn ? shopper.userId : null, random);
  let step: Step = landing.product === null ? 'browse' : 'view_product';
  let dueAt = options.startAt;

  const next = (sentAt: number | null): VisitEvent => {
    const { eventType, eventName } = stepTraits[step];
    const { width, height } = device.screen;
    const click = state.clicked ? { x: random.integer(width), y: random.integer(height) } : null;
    enterStep(state, step, shopper, random);
    const following = chooseNext(random, { step, state, shopper, intent });
    // An order's lines are sent together; everything else takes its time.
    const stay = step === 'buy' && following === 'buy' ? 1 + random.integer(20) : thinkTime(random, step);
    const event = writeEvent(
      {
        eventId: random.uuid(),
        eventType,
        eventName,
        userId: state.userId,
        anonymousId,
        sessionId,
        productId: stepsAboutNoProduct.has(step) ? null : state.product.id,
        timestamp: dueAt - lateBy,
        timeOnPage: Math.round(stay / 1000),
        isBot: false,
        lateBy,
      },
      {
        pageUrl: state.url,
        referrer: state.referrer,
        ipAddress,
        country: shopper.country.code,
        deviceFields: device.fields,
        scrollDepth: drawScrollDepth(random, stay),
        click,
        properties: state.properties,
        extraFields: random.chance(options.extraFieldRate) ? drawExtraFields(random) : '',
        sentAt,
      },
    );
    if (following === 'leave') {
      arrival.leaves(dueAt);
      return { event, nextDueAt: null };
    }
    step = following;
    dueAt += stay;
    return { event, nextDueAt: dueAt };
  };

  return { isBot: false, lateBy, next };
}

/** Guests who open an account at the checkout; the others buy without one. */
const signUpShare = 0.35;

function chooseNext(
  random: Random,
  at: {
    readonly step: Step;
    readonly state: ShopperState;
    readonly shopper: Shopper;
    readonly intent: number;
  },
): Step | 'leave' {
  const { step, state, shopper, intent } = at;
  if (step === 'buy' && state.unsent.length > 0) return 'buy';
  const next = nextStep(random, step, { intent, hasCart: state.cart.length > 0 });
  if (next !== 'check_out' || state.userId !== null) return next;
  if (shopper.member) return 'sign_in';
  return random.chance(signUpShare) ? 'sign_up' : 'check_out';
}

const stepsAboutNoProduct: ReadonlySet<Step> = new Set<Step>([
  'browse',
  'search',
  'subscribe',
  'sign_in',
  'sign_up',
]);

/** Percent: who stays longer scrolls further. */
function drawScrollDepth(random: Random, stayMs: number): number {
  return Math.min(100, Math.round(110 * (1 - Math.exp(-stayMs / 25_000)) * random.between(0.5, 1)));
}

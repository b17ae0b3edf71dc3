import type { Arrival } from './audience.ts';
import { popularProduct, similarProduct, type Product } from './catalogue.ts';
import { drawExtraFields } from './extra-fields.ts';
import { nextStep, stepTraits, thinkTime, type Step } from './journey.ts';
import { drawLanding, drawPageUrl, drawSearch, productUrl, shopUrl } from './landing.ts';
import type { Random } from './random.ts';
import { writeEvent, type SimulatedEvent } from './simulated-event.ts';
import type { OwnedDevice } from './shopper.ts';
import type { Visit } from './visit.ts';

interface CartLine {
  readonly product: Product;
  readonly quantity: number;
}

const signedInAtStartShare = 0.55;
/** Guests who open an account at the checkout; the others buy without one. */
const signUpShare = 0.35;
const favouriteDeviceShare = 0.7;
const similarProductShare = 0.55;
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
  const device: OwnedDevice = random.chance(favouriteDeviceShare)
    ? shopper.devices[0]
    : random.pick(shopper.devices);
  const intent = shopper.intent * (device.deviceType === 'mobile' ? mobileIntent : 1);
  const sessionId = `s_${random.uuid()}`;
  const landing = drawLanding(random);

  let userId = shopper.member && random.chance(signedInAtStartShare) ? shopper.userId : null;
  let dueAt = options.startAt;
  let step: Step = landing.product === null ? 'browse' : 'view_product';
  let { url, referrer } = landing;
  let product = landing.product ?? popularProduct(random);
  let properties: string | null = null;
  let cart: CartLine[] = [];
  let unpaid: CartLine[] = [];
  let orderId = '';
  let clicked = false;

  const goTo = (target: string): void => {
    referrer = url;
    url = target;
  };

  /** Puts the visit into the state in which `step`'s event is sent. */
  const enter = (): void => {
    properties = null;
    switch (step) {
      case 'browse':
        if (clicked) goTo(drawPageUrl(random));
        break;
      case 'view_product':
        if (clicked) {
          product = random.chance(similarProductShare) ? similarProduct(random, product) : popularProduct(random);
          goTo(productUrl(product));
        }
        properties = `{${priceOf(product)},"category":"${product.category}"}`;
        break;
      case 'search': {
        const search = drawSearch(random);
        goTo(search.url);
        properties = `{"query":${JSON.stringify(search.words)},"results":${random.integer(60)}}`;
        break;
      }
      case 'subscribe':
        properties = '{"list":"weekly_deals"}';
        break;
      case 'add_to_wishlist':
        properties = `{${priceOf(product)}}`;
        break;
      case 'add_to_cart': {
        const quantity = random.chance(0.12) ? 2 + random.integer(3) : 1;
        cart = cart.filter((line) => line.product !== product).concat({ product, quantity });
        properties = `{${priceOf(product)},"quantity":${quantity}}`;
        break;
      }
      case 'sign_in':
        userId = shopper.userId;
        goTo(`${shopUrl}/account/sign-in`);
        break;
      case 'sign_up':
        userId = shopper.userId;
        goTo(`${shopUrl}/account/sign-up`);
        properties = '{"method":"email"}';
        break;
      case 'check_out':
        product = cart[0]?.product ?? product;
        goTo(`${shopUrl}/checkout`);
        properties = `{"items":${cart.length},"value":${valueOf(cart)},"currency":"EUR"}`;
        break;
      case 'buy': {
        if (unpaid.length === 0) {
          unpaid = cart;
          cart = [];
          orderId = `o_${random.uuid().slice(0, 18)}`;
          goTo(`${shopUrl}/checkout/complete`);
        }
        const [line, ...others] = unpaid;
        unpaid = others;
        product = line?.product ?? product;
        properties = `{"order_id":"${orderId}",${priceOf(product)},"quantity":${line?.quantity ?? 1}}`;
        break;
      }
    }
  };

  const choose = (): Step | 'leave' => {
    if (step === 'buy' && unpaid.length > 0) return 'buy';
    const next = nextStep(random, step, { intent, hasCart: cart.length > 0 });
    if (next !== 'check_out' || userId !== null || step === 'sign_up') return next;
    if (shopper.member) return 'sign_in';
    return random.chance(signUpShare) ? 'sign_up' : 'check_out';
  };

  const next = (sentAt: number | null): SimulatedEvent => {
    enter();
    const { eventType, eventName } = stepTraits[step];
    const following = choose();
    // An order's lines are sent together; everything else takes its time.
    const stay = step === 'buy' && following === 'buy' ? 1 + random.integer(20) : thinkTime(random, step);
    const event = writeEvent(
      {
        eventId: random.uuid(),
        eventType,
        eventName,
        userId,
        anonymousId: device.anonymousId,
        sessionId,
        productId: withoutProduct.has(step) ? null : product.id,
        timestamp: dueAt - lateBy,
        timeOnPage: Math.round(stay / 1000),
        isBot: false,
        lateBy,
      },
      {
        pageUrl: url,
        referrer,
        ipAddress: device.ipAddress,
        country: shopper.country.code,
        deviceFields: device.fields,
        scrollDepth: Math.min(100, Math.round(110 * (1 - Math.exp(-stay / 25_000)) * random.between(0.5, 1))),
        click: clicked
          ? { x: random.integer(device.screen.width), y: random.integer(device.screen.height) }
          : null,
        properties,
        extraFields: random.chance(options.extraFieldRate) ? drawExtraFields(random) : '',
        sentAt,
      },
    );
    clicked = true;
    if (following === 'leave') {
      arrival.leaves(dueAt);
      dueAt = Infinity;
    } else {
      step = following;
      dueAt += stay;
    }
    return event;
  };

  return {
    get dueAt() {
      return dueAt;
    },
    isBot: false,
    lateBy,
    next,
  };
}

const withoutProduct: ReadonlySet<Step> = new Set<Step>(['browse', 'search', 'subscribe', 'sign_in', 'sign_up']);

function priceOf(product: Product): string {
  return `"price":${product.priceInCents / 100},"currency":"EUR"`;
}

function valueOf(cart: readonly CartLine[]): number {
  return cart.reduce((cents, line) => cents + line.product.priceInCents * line.quantity, 0) / 100;
}

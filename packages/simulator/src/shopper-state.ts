import { popularProduct, similarProduct, type Product } from './catalogue.ts';
import type { Step } from './journey.ts';
import { drawPageUrl, drawSearch, productUrl, shopUrl, type Landing } from './landing.ts';
import type { Random } from './random.ts';
import type { Shopper } from './shopper.ts';

/** Where a shopper is and what they have in hand; changed by {@link enterStep} alone. */
export interface ShopperState {
  /** Null until the shopper signs in or up. */
  userId: string | null;
  url: string;
  referrer: string | null;
  /** The product in view, or last in view. */
  product: Product;
  cart: readonly CartLine[];
  /** Lines of the order being placed whose purchase events are still to be sent. */
  unsent: readonly CartLine[];
  orderId: string;
  /** JSON text of the current step's properties, or null. */
  properties: string | null;
  /** False on the landing page, which was reached from outside. */
  clicked: boolean;
}

interface CartLine {
  readonly product: Product;
  readonly quantity: number;
}

export function arriveAt(landing: Landing, userId: string | null, random: Random): ShopperState {
  return {
    userId,
    url: landing.url,
    referrer: landing.referrer,
    product: landing.product ?? popularProduct(random),
    cart: [],
    unsent: [],
    orderId: '',
    properties: null,
    clicked: false,
  };
}

const similarProductShare = 0.55;
const severalPiecesShare = 0.12;

/** Takes the shopper to the page of `step` and states what its event says. */
export function enterStep(state: ShopperState, step: Step, shopper: Shopper, random: Random): void {
  state.properties = null;
  switch (step) {
    case 'browse':
      if (state.clicked) goTo(state, drawPageUrl(random));
      break;
    case 'view_product':
      if (state.clicked) {
        const similar = random.chance(similarProductShare);
        state.product = similar ? similarProduct(random, state.product) : popularProduct(random);
        goTo(state, productUrl(state.product));
      }
      state.properties = `{${priceOf(state.product)},"category":"${state.product.category}"}`;
      break;
    case 'search': {
      const { url, words } = drawSearch(random);
      goTo(state, url);
      state.properties = `{"query":${JSON.stringify(words)},"results":${random.integer(60)}}`;
      break;
    }
    case 'subscribe':
      state.properties = '{"list":"weekly_deals"}';
      break;
    case 'add_to_wishlist':
      state.properties = `{${priceOf(state.product)}}`;
      break;
    case 'add_to_cart':
      addToCart(state, random);
      break;
    case 'sign_in':
      state.userId = shopper.userId;
      goTo(state, `${shopUrl}/account/sign-in`);
      break;
    case 'sign_up':
      state.userId = shopper.userId;
      goTo(state, `${shopUrl}/account/sign-up`);
      state.properties = '{"method":"email"}';
      break;
    case 'check_out':
      state.product = state.cart[0]?.product ?? state.product;
      goTo(state, `${shopUrl}/checkout`);
      state.properties = `{"items":${state.cart.length},"value":${valueOf(state.cart)},"currency":"EUR"}`;
      break;
    case 'buy':
      buyNextLine(state, random);
      break;
  }
  state.clicked = true;
}

function goTo(state: ShopperState, url: string): void {
  state.referrer = state.url;
  state.url = url;
}

function addToCart(state: ShopperState, random: Random): void {
  const { product } = state;
  const quantity = random.chance(severalPiecesShare) ? 2 + random.integer(3) : 1;
  state.cart = [...state.cart.filter((line) => line.product !== product), { product, quantity }];
  state.properties = `{${priceOf(product)},"quantity":${quantity}}`;
}

/** An order has one purchase event for each of its products, so that purchases count by product. */
function buyNextLine(state: ShopperState, random: Random): void {
  if (state.unsent.length === 0) {
    state.unsent = state.cart;
    state.cart = [];
    state.orderId = `o_${random.hex64()}`;
    goTo(state, `${shopUrl}/checkout/complete`);
  }
  const [line, ...others] = state.unsent;
  if (line === undefined) return;
  state.unsent = others;
  state.product = line.product;
  state.properties = `{"order_id":"${state.orderId}",${priceOf(line.product)},"quantity":${line.quantity}}`;
}

function priceOf(product: Product): string {
  return `"price":${product.priceInCents / 100},"currency":"EUR"`;
}

function valueOf(cart: readonly CartLine[]): number {
  return cart.reduce((cents, line) => cents + line.product.priceInCents * line.quantity, 0) / 100;
}

import { catalogue, popularProduct, type Product } from './catalogue.ts';
import { mapNonEmpty, weightedPick, type NonEmpty, type Random } from './random.ts';

/** `.example` is reserved (RFC 2606): no simulated click leads to somebody's real shop. */
export const shopUrl = 'https://shop.example';

interface Source {
  readonly referrer: string | null;
  /** Query string of the landing page: campaigns are tagged. */
  readonly query: string;
  /** Share of its visits that land on a product rather than on the home page or a category. */
  readonly productShare: number;
  readonly weight: number;
}

const sources: NonEmpty<Source> = [
  { referrer: 'https://www.google.com/', query: '', productShare: 0.45, weight: 33 },
  { referrer: null, query: '', productShare: 0.1, weight: 30 },
  {
    referrer: 'https://www.instagram.com/',
    query: '?utm_source=instagram&utm_medium=social&utm_campaign=new_arrivals',
    productShare: 0.6,
    weight: 11,
  },
  {
    referrer: null,
    query: '?utm_source=newsletter&utm_medium=email&utm_campaign=weekly_deals',
    productShare: 0.3,
    weight: 8,
  },
  {
    referrer: 'https://www.facebook.com/',
    query: '?utm_source=facebook&utm_medium=paid_social',
    productShare: 0.5,
    weight: 7,
  },
  { referrer: 'https://prices.example/compare', query: '', productShare: 0.95, weight: 6 },
  { referrer: 'https://www.bing.com/', query: '', productShare: 0.4, weight: 5 },
];

const sourceByShare = weightedPick(sources);

export interface Landing {
  readonly referrer: string | null;
  readonly url: string;
  /** The product landed on, or null for a page. */
  readonly product: Product | null;
}

/** How somebody comes to the shop, and where they arrive. */
export function drawLanding(random: Random): Landing {
  const { referrer, query, productShare } = sourceByShare(random);
  const product = random.chance(productShare) ? popularProduct(random) : null;
  const url = product === null ? drawPageUrl(random) : productUrl(product);
  return { referrer, url: `${url}${query}`, product };
}

const pageUrls: NonEmpty<string> = [
  `${shopUrl}/`,
  `${shopUrl}/`,
  `${shopUrl}/deals`,
  ...new Set(mapNonEmpty(catalogue, (product) => `${shopUrl}/c/${product.category}`)),
];

/** The home page, the deals or a category. */
export function drawPageUrl(random: Random): string {
  return random.pick(pageUrls);
}

export function productUrl(product: Product): string {
  return `${shopUrl}/p/${product.id}`;
}

/** What people type: several languages, so that text beyond ASCII goes through the whole pipeline. */
const searchWords: NonEmpty<string> = [
  'wireless headphones',
  'gaming laptop',
  'smartphone 5g',
  'kopfhörer günstig',
  'écouteurs sans fil',
  'reloj inteligente niños',
  'ładowarka usb-c',
  'タブレット',
  'monitor 27" 4k',
  'charger & cable',
  'e-reader <6 inch',
  'back\\up drive',
];

const searches = mapNonEmpty(searchWords, (words) => ({
  url: `${shopUrl}/search?q=${encodeURIComponent(words)}`,
  words,
}));

export function drawSearch(random: Random): { readonly url: string; readonly words: string } {
  return random.pick(searches);
}

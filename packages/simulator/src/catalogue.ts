import { weightedPick, type NonEmpty, type Random } from './random.ts';

export interface Product {
  readonly id: string;
  readonly category: string;
  /** Whole euro cents: prices stay exact. */
  readonly priceInCents: number;
  /** Share of attention relative to the others. */
  readonly weight: number;
}

/** The original's five products first, as the most popular; the rest gives the catalogue a long tail. */
export const catalogue: NonEmpty<Product> = [
  { id: 'smartphone', category: 'phones', priceInCents: 69900, weight: 100 },
  { id: 'laptop', category: 'computers', priceInCents: 119900, weight: 72 },
  { id: 'headphones', category: 'audio', priceInCents: 14900, weight: 60 },
  { id: 'tablet', category: 'computers', priceInCents: 44900, weight: 41 },
  { id: 'smartwatch', category: 'wearables', priceInCents: 24900, weight: 36 },
  { id: 'phone_case', category: 'phones', priceInCents: 1990, weight: 28 },
  { id: 'charger', category: 'phones', priceInCents: 2990, weight: 24 },
  { id: 'bluetooth_speaker', category: 'audio', priceInCents: 7990, weight: 20 },
  { id: 'monitor', category: 'computers', priceInCents: 28900, weight: 18 },
  { id: 'keyboard', category: 'computers', priceInCents: 8990, weight: 15 },
  { id: 'mouse', category: 'computers', priceInCents: 4990, weight: 13 },
  { id: 'game_console', category: 'gaming', priceInCents: 49900, weight: 12 },
  { id: 'gamepad', category: 'gaming', priceInCents: 5990, weight: 9 },
  { id: 'camera', category: 'photo', priceInCents: 89900, weight: 8 },
  { id: 'e_reader', category: 'computers', priceInCents: 12990, weight: 7 },
  { id: 'fitness_band', category: 'wearables', priceInCents: 5990, weight: 6 },
  { id: 'microphone', category: 'audio', priceInCents: 9990, weight: 5 },
  { id: 'webcam', category: 'computers', priceInCents: 7490, weight: 4 },
  { id: 'tripod', category: 'photo', priceInCents: 3990, weight: 3 },
  { id: 'vr_headset', category: 'gaming', priceInCents: 54900, weight: 2 },
];

const byPopularity = weightedPick(catalogue);

const byCategory: ReadonlyMap<string, (random: Random) => Product> = new Map(
  [...Map.groupBy(catalogue, (product) => product.category)].map(([category, [first, ...rest]]) => [
    category,
    first === undefined ? byPopularity : weightedPick([first, ...rest]),
  ]),
);

export function popularProduct(random: Random): Product {
  return byPopularity(random);
}

/** A product of the same category, itself included: what "similar products" shows. */
export function similarProduct(random: Random, product: Product): Product {
  return (byCategory.get(product.category) ?? byPopularity)(random);
}

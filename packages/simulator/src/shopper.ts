import { countryByPopulation, type Country } from './countries.ts';
import { drawDevice, type Device } from './devices.ts';
import { childWords, createRandom, type Random, type SeedWords } from './random.ts';

/** One of a shopper's devices: the browser's storage gives it an anonymous id for good. */
export interface OwnedDevice {
  readonly device: Device;
  readonly anonymousId: string;
  readonly ipAddress: string;
}

export interface Shopper {
  /** Known to the site from the moment of signing in or up. */
  readonly userId: string;
  /** A member has an account already; a guest may open one at the checkout. */
  readonly member: boolean;
  readonly country: Country;
  /** One to three; number 0 is the favourite. */
  readonly deviceCount: number;
  /** Multiplies the odds of every step towards a purchase; around 1. */
  readonly intent: number;
  /** From which everything about the shopper derives. */
  readonly words: SeedWords;
}

const firstMemberNumber = 1000;

/** The `index`-th account holder of the population: always the same person for the same words. */
export function memberOf(population: SeedWords, index: number): Shopper {
  const words = childWords(population, index);
  const random = createRandom(words);
  const second = random.chance(0.55) ? 1 : 0;
  const third = random.chance(0.15) ? 1 : 0;
  return {
    userId: `u_${firstMemberNumber + index}`,
    member: true,
    country: countryByPopulation(random),
    deviceCount: 1 + second + third,
    intent: random.logNormal(1, 0.4),
    words,
  };
}

/** The `index`-th first-time visitor of a run. */
export function guestOf(run: SeedWords, index: number): Shopper {
  const words = childWords(run, index);
  const random = createRandom(words);
  return {
    userId: `u_${random.hex64()}`,
    member: false,
    country: countryByPopulation(random),
    deviceCount: 1,
    intent: random.logNormal(0.7, 0.4),
    words,
  };
}

/** The shopper's `index`-th device: the same one at every visit. */
export function deviceOf(shopper: Shopper, index: number): OwnedDevice {
  const random = createRandom(childWords(shopper.words, index + 1));
  return {
    device: drawDevice(random),
    anonymousId: `a_${random.hex64()}`,
    ipAddress: drawIpAddress(random),
  };
}

/** From 198.18.0.0/15, which RFC 2544 sets aside for benchmarks: never somebody's real address. */
export function drawIpAddress(random: Random): string {
  return `198.${18 + random.integer(2)}.${random.integer(256)}.${1 + random.integer(254)}`;
}

import { countryByPopulation, type Country } from './countries.ts';
import { drawDevice, type Device } from './devices.ts';
import { childWords, createRandom, type NonEmpty, type Random, type SeedWords } from './random.ts';

/** One of a shopper's devices: the browser's storage gives it an anonymous id for good. */
export interface OwnedDevice extends Device {
  readonly anonymousId: string;
  readonly ipAddress: string;
}

export interface Shopper {
  /** Known to the site from the moment of signing in or up. */
  readonly userId: string;
  /** A member has an account already; a guest may open one at the checkout. */
  readonly member: boolean;
  readonly country: Country;
  /** One to three, the favourite first. */
  readonly devices: NonEmpty<OwnedDevice>;
  /** Multiplies the odds of every step towards a purchase; 1 on average. */
  readonly intent: number;
}

const firstMemberNumber = 1000;

/** The `index`-th account holder of the population: always the same person for the same words. */
export function memberOf(words: SeedWords, index: number): Shopper {
  const random = createRandom(childWords(words, index));
  return drawShopper(random, { userId: `u_${firstMemberNumber + index}`, member: true });
}

/** The `index`-th first-time visitor of a run. */
export function guestOf(words: SeedWords, index: number): Shopper {
  const random = createRandom(childWords(words, index));
  return drawShopper(random, { userId: `u_${random.hex64()}`, member: false });
}

function drawShopper(
  random: Random,
  identity: { readonly userId: string; readonly member: boolean },
): Shopper {
  const country = countryByPopulation(random);
  const ownDevice = (): OwnedDevice => ({
    ...drawDevice(random),
    anonymousId: `a_${random.hex64()}`,
    ipAddress: drawIpAddress(random),
  });
  const devices: [OwnedDevice, ...OwnedDevice[]] = [ownDevice()];
  if (identity.member && random.chance(0.55)) devices.push(ownDevice());
  if (identity.member && random.chance(0.15)) devices.push(ownDevice());
  return { ...identity, country, devices, intent: random.logNormal(identity.member ? 1 : 0.7, 0.4) };
}

/** From 198.18.0.0/15, which RFC 2544 sets aside for benchmarks: never somebody's real address. */
export function drawIpAddress(random: Random): string {
  return `198.${18 + random.integer(2)}.${random.integer(256)}.${1 + random.integer(254)}`;
}

import { createRandom, seedWords, type Random, type SeedWords } from './random.ts';
import { activityAt } from './rhythm.ts';
import { guestOf, memberOf, type Shopper } from './shopper.ts';

const minute = 60_000;

/**
 * Sessions are cut at gaps of more than 30 minutes (S7.2), so somebody who comes back stays away for longer:
 * then a session of ours is a session of Gold's.
 */
export const minimumAbsence = 35 * minute;
const longestAbsenceFactor = 6;

/** Sessions by people who were never here before. */
const guestShare = 0.3;

/** How many people are considered for an arrival before it falls to a first-time visitor. */
const maxCandidates = 8;

/** Whom the shop knows, and who of them comes when. */
export interface Audience {
  /** Who starts a session at `instant` (ms): likely somebody active, awake, and not here just now. */
  arrival(instant: number): Arrival;
}

export interface Arrival {
  readonly shopper: Shopper;
  /** To be called once, with the time of the session's last event, ms. */
  readonly leaves: (instant: number) => void;
}

/**
 * @param options.population words that are the same for every run with one seed, so that people return across
 *   runs; options.run words of this run: its guests are new.
 */
export function createAudience(options: {
  readonly population: SeedWords;
  readonly run: SeedWords;
  readonly members: number;
}): Audience {
  const random = createRandom(seedWords('audience', ...options.run));
  // Members are derived from their index on demand; kept is only when each was last here.
  const lastSeen = new Float64Array(options.members).fill(-Infinity);
  const drawMember = activitySampler(options.members);
  let guests = 0;

  const awake = (shopper: Shopper, instant: number): boolean =>
    random.chance(activityAt(shopper.country, instant));

  const rested = (index: number, instant: number): boolean =>
    instant - (lastSeen[index] ?? 0) > minimumAbsence * random.between(1, longestAbsenceFactor);

  const memberAt = (instant: number): Arrival | null => {
    const index = drawMember(random);
    if (!rested(index, instant)) return null;
    const shopper = memberOf(options.population, index);
    if (!awake(shopper, instant)) return null;
    lastSeen[index] = Infinity;
    return {
      shopper,
      leaves: (last) => {
        lastSeen[index] = last;
      },
    };
  };

  const guestAt = (instant: number): Arrival => {
    let shopper = guestOf(options.run, guests);
    for (let tries = 1; tries < maxCandidates && !awake(shopper, instant); tries += 1) {
      guests += 1;
      shopper = guestOf(options.run, guests);
    }
    guests += 1;
    return { shopper, leaves: () => undefined };
  };

  return {
    arrival(instant) {
      if (random.chance(guestShare)) return guestAt(instant);
      for (let tries = 0; tries < maxCandidates; tries += 1) {
        const member = memberAt(instant);
        if (member !== null) return member;
      }
      return guestAt(instant);
    },
  };
}

/** Flattens the very top of the ranking: nobody, however keen, is a tenth of a shop's traffic. */
const mandelbrotShift = 8;

/**
 * Samples a rank in [0, count) with probability ∝ (rank + 8)^-0.8 (Zipf–Mandelbrot), by inverting the
 * continuous distribution: its integral is ∝ x^0.2, and the inverse of that a plain fifth power.
 */
function activitySampler(count: number): (random: Random) => number {
  const fifthRoot = (x: number): number => Math.exp(Math.log(x) / 5);
  const low = fifthRoot(mandelbrotShift);
  const high = fifthRoot(count + mandelbrotShift);
  return (random) => {
    const x = random.between(low, high);
    return Math.min(count - 1, Math.floor(x * x * x * x * x - mandelbrotShift));
  };
}

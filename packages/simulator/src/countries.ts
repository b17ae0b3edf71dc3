import { weightedPick, type NonEmpty } from './random.ts';

export interface Country {
  /** ISO 3166-1 alpha-2. */
  readonly code: string;
  /**
   * Standard time east of UTC. One zone a country and no daylight saving: the rhythm needs the hour of the
   * day, not a calendar, and time-zone data differs from one machine to the next.
   */
  readonly utcOffsetMinutes: number;
  readonly weight: number;
}

export const countries: NonEmpty<Country> = [
  { code: 'US', utcOffsetMinutes: -360, weight: 26 },
  { code: 'DE', utcOffsetMinutes: 60, weight: 13 },
  { code: 'GB', utcOffsetMinutes: 0, weight: 11 },
  { code: 'FR', utcOffsetMinutes: 60, weight: 8 },
  { code: 'IN', utcOffsetMinutes: 330, weight: 8 },
  { code: 'BR', utcOffsetMinutes: -180, weight: 6 },
  { code: 'ES', utcOffsetMinutes: 60, weight: 5 },
  { code: 'CA', utcOffsetMinutes: -300, weight: 5 },
  { code: 'NL', utcOffsetMinutes: 60, weight: 4 },
  { code: 'PL', utcOffsetMinutes: 60, weight: 4 },
  { code: 'JP', utcOffsetMinutes: 540, weight: 4 },
  { code: 'AU', utcOffsetMinutes: 600, weight: 3 },
  { code: 'MX', utcOffsetMinutes: -360, weight: 3 },
];

export const countryByPopulation = weightedPick(countries);

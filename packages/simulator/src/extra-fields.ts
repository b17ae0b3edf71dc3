import type { NonEmpty, Random } from './random.ts';

/**
 * Top-level fields that the contract does not know: the event stays valid and they go to `properties` (S1.4).
 * Among them what such code gets wrong: a name that `properties` may hold already (`currency`), an integer
 * beyond 2^53, a nested value, a field that only the server may set.
 */
const extraFields: NonEmpty<string> = [
  ',"app_version":"4.12.0"',
  ',"ab_test":{"checkout":"B","hero":"A"}',
  ',"loyalty_tier":"gold","loyalty_points":1840',
  ',"currency":"USD"',
  ',"trace_id":9223372036854775807',
  ',"viewport":[1280,720]',
  ',"source_id":"the-client-says-so"',
];

/** Members to append to an event's text, with their leading comma. */
export function drawExtraFields(random: Random): string {
  return random.pick(extraFields);
}

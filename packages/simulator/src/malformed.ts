import type { RejectionReason } from '@clicklake/contract';
import type { NonEmpty, Random } from './random.ts';
import { isoTimestamp } from './simulated-event.ts';

/** One way to get an event wrong. */
interface Defect {
  readonly kind: string;
  readonly reason: RejectionReason;
  /** The text no longer has an id that a reader could trust. */
  readonly losesId?: true;
  /**
   * Spoils a valid event.
   * @param fields the event's members, a copy to change; its event_id is new.
   * @param instant when it is sent, ms since the epoch.
   */
  readonly spoil: (fields: Record<string, unknown>, random: Random, instant: number) => string;
}

const day = 86_400_000;

/** A defect that sets members; undefined removes one. */
const withMembers =
  (members: Readonly<Record<string, unknown>>): Defect['spoil'] =>
  (fields) =>
    JSON.stringify({ ...fields, ...members });

const defects = [
  { kind: 'wrong-type-number', reason: 'wrong_type', spoil: withMembers({ time_on_page: '12' }) },
  { kind: 'wrong-type-fraction', reason: 'wrong_type', spoil: withMembers({ time_on_page: 12.5 }) },
  { kind: 'wrong-type-string', reason: 'wrong_type', spoil: withMembers({ product_id: 4711 }) },
  { kind: 'wrong-type-point', reason: 'wrong_type', spoil: withMembers({ click_coordinates: [10, 20] }) },
  { kind: 'out-of-range', reason: 'out_of_range', spoil: withMembers({ scroll_depth: 180 }) },
  {
    kind: 'too-long-id',
    reason: 'too_long',
    losesId: true,
    spoil: withMembers({ event_id: 'x'.repeat(129) }),
  },
  { kind: 'missing-event-type', reason: 'missing_field', spoil: withMembers({ event_type: undefined }) },
  {
    kind: 'missing-identity',
    reason: 'missing_field',
    spoil: withMembers({ user_id: null, anonymous_id: undefined }),
  },
  {
    kind: 'custom-without-name',
    reason: 'missing_field',
    spoil: withMembers({ event_type: 'custom', event_name: undefined }),
  },
  {
    kind: 'unknown-event-type',
    reason: 'unknown_event_type',
    spoil: withMembers({ event_type: 'teleport' }),
  },
  {
    kind: 'bad-timestamp',
    reason: 'timestamp_invalid',
    spoil: withMembers({ timestamp: 'yesterday, 8 pm' }),
  },
  {
    kind: 'too-old',
    reason: 'timestamp_out_of_range',
    spoil: (fields, random, instant) =>
      JSON.stringify({ ...fields, timestamp: isoTimestamp(instant - (401 + random.integer(300)) * day) }),
  },
  {
    kind: 'truncated-json',
    reason: 'malformed_json',
    losesId: true,
    spoil(fields, random) {
      const text = JSON.stringify(fields);
      return text.slice(0, Math.floor(text.length * random.between(0.2, 0.95)));
    },
  },
  {
    kind: 'invalid-json',
    reason: 'malformed_json',
    losesId: true,
    // A single-quoted dictionary: what Python prints when somebody forgets to serialise.
    spoil: (fields) => JSON.stringify(fields).replaceAll('"', "'").replaceAll('null', 'None'),
  },
  { kind: 'not-json', reason: 'malformed_json', losesId: true, spoil: () => 'GET /pixel.gif HTTP/1.1' },
  {
    kind: 'not-an-object',
    reason: 'not_an_object',
    losesId: true,
    spoil: (fields) => JSON.stringify([fields]),
  },
  { kind: 'a-bare-string', reason: 'not_an_object', losesId: true, spoil: () => '"page_view"' },
] as const satisfies NonEmpty<Defect>;

export type MalformedKind = (typeof defects)[number]['kind'];

/** Each kind of malformed record, and the reason with which the contract refuses it. */
export const malformedReasons = Object.fromEntries(
  defects.map(({ kind, reason }) => [kind, reason]),
) as Readonly<Record<MalformedKind, RejectionReason>>;

export interface MalformedText {
  /** One line of text. */
  readonly text: string;
  readonly malformedKind: MalformedKind;
  readonly reason: RejectionReason;
  /** The id a reader can find in the text; null when there is none to be trusted. */
  readonly eventId: string | null;
}

/**
 * A record that must end among the dead letters, made from a valid event's text. It has an event_id of its
 * own, so that it can never be taken for a duplicate of that event (S3.1).
 */
export function drawMalformed(random: Random, validText: string, instant: number): MalformedText {
  const defect: Defect & { readonly kind: MalformedKind } = random.pick<(typeof defects)[number]>(defects);
  const eventId = random.uuid();
  const fields = { ...(JSON.parse(validText) as Record<string, unknown>), event_id: eventId };
  return {
    text: defect.spoil(fields, random, instant),
    malformedKind: defect.kind,
    reason: defect.reason,
    eventId: defect.losesId === true ? null : eventId,
  };
}

import { quoteJson, writeJson } from './json-text.ts';

/** A member that goes to `properties` because it is no field of the contract, or not its sender's to set. */
export interface ExtraMember {
  readonly name: string;
  readonly value: unknown;
}

/**
 * The `properties` field: the sender's own members, then the extras in the order they came, as far as
 * JavaScript keeps an order. An extra whose
 * name is taken goes in as `$extra.<name>` (S1.4), and again until the name is free.
 * @param maxDepth how deep the text may nest
 * @param ownDepth how deep the sender's own object may
 * @returns the JSON string that holds the object's JSON text, undefined when there is nothing to hold
 */
export function writeProperties(
  own: Readonly<Record<string, unknown>> | null,
  extras: readonly ExtraMember[] | null,
  maxDepth: number,
  ownDepth: number,
): string | undefined {
  if (extras === null)
    return own === null ? undefined : JSON.stringify(writeJson(own, ownDepth, 'properties'));
  return JSON.stringify(writeMerged(own ?? {}, extras, maxDepth, ownDepth));
}

interface Member {
  readonly value: unknown;
  readonly depth: number;
  /** What a rejection names. */
  readonly field: string;
}

/**
 * The members go through an object, because it puts names that are array indices first: reading the text
 * again and writing it must give the same text.
 */
function writeMerged(
  own: Readonly<Record<string, unknown>>,
  extras: readonly ExtraMember[],
  maxDepth: number,
  ownDepth: number,
): string {
  // Without a prototype, so that a member named __proto__ is one like any other.
  const members = Object.create(null) as Record<string, Member>;
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) members[name] = { value, depth: ownDepth - 1, field: 'properties' };
  }
  for (const extra of extras) {
    let { name } = extra;
    while (name in members) name = `$extra.${name}`;
    members[name] = { value: extra.value, depth: maxDepth - 1, field: extra.name };
  }
  const texts = Object.entries(members).map(
    ([name, { value, depth, field }]) => `${quoteJson(name, field)}:${writeJson(value, depth, field)}`,
  );
  return `{${texts.join(',')}}`;
}

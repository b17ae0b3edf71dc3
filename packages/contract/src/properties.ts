import { writeJson } from './json-text.ts';

/** A member that goes to `properties` because it is no field of the contract, or not its sender's to set. */
export interface ExtraMember {
  readonly name: string;
  readonly value: unknown;
}

/**
 * The `properties` field: the sender's own members, then the extras in the order they came. An extra whose
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
  if (own === null && extras === null) return undefined;
  const text = own === null ? '{}' : writeJson(own, ownDepth, 'properties');
  return JSON.stringify(extras === null ? text : withExtras(text, own, extras, maxDepth));
}

function withExtras(
  ownText: string,
  own: Readonly<Record<string, unknown>> | null,
  extras: readonly ExtraMember[],
  maxDepth: number,
): string {
  const taken = new Set(own === null ? [] : Object.keys(own));
  let members = ownText.slice(1, -1);
  for (const extra of extras) {
    let name = extra.name;
    while (taken.has(name)) name = `$extra.${name}`;
    taken.add(name);
    const member = writeJson({ [name]: extra.value }, maxDepth, extra.name).slice(1, -1);
    members += members === '' ? member : `,${member}`;
  }
  return `{${members}}`;
}

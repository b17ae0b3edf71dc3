import { parseEventJson } from '@clicklake/contract';
import type { DeadLetterRow } from '../lake-service.ts';
import { applyChanges, UnmendableError } from './apply-changes.ts';
import type { Change } from './change.ts';

/** A dead letter's event as it is to be judged again, or why there is none. */
export type Mended = { readonly event: string } | { readonly unmendable: string };

/** The bytes of a dead letter with changes made to the event that they are. */
export function mendByChanges({ raw, rawEncoding }: DeadLetterRow, changes: readonly Change[]): Mended {
  if (rawEncoding !== 'utf8') return { unmendable: 'Its bytes are no text: replace them by a file.' };
  if (changes.length === 0) return { event: raw };
  let event: unknown;
  try {
    event = parseEventJson(raw);
  } catch {
    return { unmendable: 'Its bytes are not JSON: replace them by a file.' };
  }
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    return { unmendable: 'It is JSON, but no object: replace it by a file.' };
  try {
    return { event: JSON.stringify(applyChanges({ ...event }, changes)) };
  } catch (error) {
    if (error instanceof UnmendableError) return { unmendable: error.message };
    if (error instanceof RangeError) return { unmendable: 'It is nested too deep: replace it by a file.' };
    throw error;
  }
}

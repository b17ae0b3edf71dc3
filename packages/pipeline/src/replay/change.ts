import { parseEventJson } from '@clicklake/contract';
import { PipelineError } from '../pipeline-error.ts';

/** Names from the event inwards: `click_coordinates.x` is two. */
export type FieldPath = readonly string[];

/** One thing that is done to each event of a replay. */
export type Change =
  | { readonly op: 'set'; readonly path: FieldPath; readonly value: unknown }
  | { readonly op: 'copy'; readonly path: FieldPath; readonly from: FieldPath }
  | { readonly op: 'unset'; readonly path: FieldPath }
  | { readonly op: 'rename'; readonly path: FieldPath; readonly to: FieldPath }
  | { readonly op: 'cast'; readonly path: FieldPath; readonly to: CastType };

export const castTypes = ['integer', 'number', 'text', 'boolean', 'time'] as const;
export type CastType = (typeof castTypes)[number];

export const maxChanges = 100;
const maxChangeLength = 8_192;
const maxPathNames = 16;

/**
 * Parses a change. The whole language:
 *
 *     set FIELD=VALUE      VALUE is JSON (12, true, null, "12", {"x":1}), @FIELD (another field's value), or else text
 *     unset FIELD
 *     rename FIELD=FIELD
 *     cast FIELD=TYPE      integer, number, text, boolean, time
 *
 * FIELD is a name, or names with dots between for a field within a field; a backslash takes the next character as it
 * is. Read in one pass, without a regular expression on what the user wrote; nothing in it is ever run.
 *
 * @throws PipelineError `replay-change-invalid`
 */
export function parseChange(text: string): Change {
  if (text.length > maxChangeLength) throw invalid(text, `it is longer than ${maxChangeLength} characters`);
  const space = text.indexOf(' ');
  if (space === -1) throw invalid(text, 'it names no field');
  const op = text.slice(0, space);
  const rest = text.slice(space + 1);
  if (op === 'unset') return { op, path: wholePath(rest, text) };
  const { path, end } = readPath(rest, text);
  if (rest[end] !== '=') throw invalid(text, 'it has no "="');
  const right = rest.slice(end + 1);
  switch (op) {
    case 'set':
      return right.startsWith('@')
        ? { op: 'copy', path, from: wholePath(right.slice(1), text) }
        : { op, path, value: constant(right, text) };
    case 'rename':
      return { op, path, to: wholePath(right, text) };
    case 'cast': {
      const to = castTypes.find((type) => type === right);
      if (to === undefined) throw invalid(text, `a type is one of ${castTypes.join(', ')}`);
      return { op, path, to };
    }
    default:
      throw invalid(text, 'a change begins with set, unset, rename or cast');
  }
}

/** @throws PipelineError `replay-change-invalid` */
export function parseChanges(texts: readonly string[]): readonly Change[] {
  if (texts.length > maxChanges) throw invalid(texts[0] ?? '', `there are more than ${maxChanges} of them`);
  return texts.map(parseChange);
}

/** JSON where it begins like JSON, so that a slip in it is no text by accident; everything else is text. */
function constant(right: string, text: string): unknown {
  const word = right.trim();
  const isJson = /^["{[]/.test(word) || ['true', 'false', 'null'].includes(word) || startsLikeNumber(word);
  if (!isJson) return right;
  try {
    return parseEventJson(word);
  } catch {
    // A date or an id may well begin with a digit.
    if (startsLikeNumber(word)) return right;
    throw invalid(text, 'its value begins like JSON and is none');
  }
}

function startsLikeNumber(word: string): boolean {
  const first = word.startsWith('-') ? word[1] : word[0];
  return first !== undefined && first >= '0' && first <= '9';
}

function wholePath(part: string, text: string): FieldPath {
  const { path, end } = readPath(part, text);
  if (end !== part.length) throw invalid(text, 'a field name contains "=" (write \\= for it)');
  return path;
}

/** Reads up to an "=" or the end. */
function readPath(part: string, text: string): { readonly path: FieldPath; readonly end: number } {
  const path: string[] = [];
  let name = '';
  let at = 0;
  for (; at < part.length && part[at] !== '='; at += 1) {
    const character = part[at] ?? '';
    if (character === '\\') {
      at += 1;
      name += part[at] ?? '';
    } else if (character === '.') {
      path.push(name);
      name = '';
    } else name += character;
  }
  path.push(name);
  if (path.includes('')) throw invalid(text, 'a field has no name');
  if (path.length > maxPathNames) throw invalid(text, `a field lies deeper than ${maxPathNames} names`);
  return { path, end: Math.min(at, part.length) };
}

function invalid(text: string, why: string): PipelineError {
  return new PipelineError({
    code: 'replay-change-invalid',
    message: `The change "${text.slice(0, 200)}" is not understood: ${why}.`,
    hint: 'Write: set time_on_page=12, set user_id=@anonymous_id, unset FIELD, rename OLD=NEW, or cast FIELD=integer.',
  });
}

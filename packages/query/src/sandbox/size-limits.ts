import { notAllowed } from '../query-error.ts';
import { isSyntaxNode, type SyntaxNode } from './syntax-tree.ts';

/**
 * DuckDB does not count a vector of strings or lists against `memory_limit` while one expression
 * makes it: `repeat('x', 1500000000)` under a limit of 192 MB takes 1.5 GB, and cannot be
 * interrupted. So the functions whose result is as large as an argument says, or is, take that argument only
 * as a literal, and the sizes of one statement may multiply to at most this.
 */
const maxProduct = 10_000;

/** Sizes up to this are what formatting needs (`lpad(hour, 2, '0')`) and don't count there. */
const freeSize = 32;

/** Small ones count here: nested six deep, `repeat(…, 32)` makes a gigabyte. */
const maxProductOfAll = 1_000_000;

/** From which argument on the sizes stand. */
const sizeArguments: Readonly<Record<string, number>> = {
  repeat: 1,
  lpad: 1,
  rpad: 1,
  bitstring: 1,
  list_resize: 1,
  array_resize: 1,
  range: 0,
  generate_series: 0,
};

/** Only one argument of these is a size; what follows is a filling value. */
const oneSize = new Set(['repeat', 'lpad', 'rpad', 'bitstring', 'list_resize', 'array_resize']);

/** Their result is no larger than the size says, whatever goes in: small ones cannot multiply. */
const boundedBySize = new Set(['lpad()', 'rpad()', 'bitstring()', 'format()', 'printf()']);

/** Keeps the account of one statement. */
export interface SizeLimits {
  /** Judges a call in an expression. @throws QueryError `query-not-allowed` */
  call(name: string, args: readonly unknown[]): void;
  /** Judges a fixed-size array type. @throws QueryError `query-not-allowed` */
  arrayType(size: number): void;
}

export function openSizeLimits(): SizeLimits {
  let product = 1;
  let productOfAll = 1;
  const enlarge = (what: string, size: number): void => {
    if (size > freeSize) product *= size;
    if (size > 1 && !boundedBySize.has(what)) productOfAll *= size;
    if (product <= maxProduct && productOfAll <= maxProductOfAll) return;
    throw notAllowed(
      `${what} would make values that are too large.`,
      `All sizes given to repeat, lpad, rpad, range and the like may multiply to ${maxProduct} in one statement; for more rows use range in FROM.`,
    );
  };
  return {
    call(name, args) {
      if (name === 'format' || name === 'printf') {
        enlarge(`${name}()`, widestField(name, args[0]));
        return;
      }
      if (name === 'replace' || name === 'regexp_replace') {
        enlarge(`${name}()`, replacementLength(name, args[2]));
        return;
      }
      const first = sizeArguments[name];
      if (first === undefined) return;
      const sizes = oneSize.has(name) ? args.slice(first, first + 1) : args.slice(first);
      const given = sizes.map((arg) => literalSize(name, arg));
      enlarge(
        `${name}()`,
        given.reduce((sum, size) => sum + size, 0),
      );
    },
    arrayType(size) {
      enlarge(`An array type of ${size} elements`, size);
    },
  };
}

/** The absolute value of an integer literal, minus signs and casts included. */
function literalSize(name: string, argument: unknown): number {
  if (isSyntaxNode(argument)) {
    if (argument.class === 'CONSTANT') {
      const { value } = argument.value as { value?: unknown };
      if (typeof value === 'number' && Number.isInteger(value)) return Math.abs(value);
    }
    if (argument.class === 'FUNCTION' && argument.function_name === '-') {
      const [only, second] = argument.children as SyntaxNode[];
      if (second === undefined) return literalSize(name, only);
    }
  }
  throw notAllowed(
    `The size given to ${name}() is not an integer literal.`,
    `Write the size as a number, as in ${name}(…, 20); for series of rows use range or generate_series in FROM.`,
  );
}

/** Every match grows by the replacement: `replace(s, 'x', s)` squares the length of `s`. */
function replacementLength(name: string, argument: unknown): number {
  const { value, is_null: isNull } =
    isSyntaxNode(argument) && argument.class === 'CONSTANT'
      ? (argument.value as { value?: unknown; is_null?: unknown })
      : {};
  if (isNull === true) return 0;
  if (typeof value === 'string') return value.length;
  throw notAllowed(
    `The replacement given to ${name}() is not a string literal.`,
    `Write it as a literal, as in ${name}(page_url, 'https://', '').`,
  );
}

/** The widest field that a format string asks for. */
function widestField(name: string, argument: unknown): number {
  const literal =
    isSyntaxNode(argument) && argument.class === 'CONSTANT'
      ? (argument.value as { value?: unknown }).value
      : undefined;
  if (typeof literal !== 'string' || literal.includes('*') || /\{[^}]*\{/.test(literal)) {
    throw notAllowed(
      `The format given to ${name}() is not a literal with fixed widths.`,
      `Write the format as a string literal without nested fields or '*'.`,
    );
  }
  return Math.max(0, ...Array.from(literal.matchAll(/\d+/g), ([digits]) => Number(digits)));
}

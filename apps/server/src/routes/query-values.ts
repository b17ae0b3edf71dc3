import { ApiError } from '../api-error.ts';

/** A whole number from a URL. @throws ApiError `request-invalid` */
export function wholeNumber(text: string, name: string): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new ApiError({
    code: 'request-invalid',
    message: `${name} is not a whole number.`,
    hint: `Give ${name} as decimal digits.`,
  });
}

/** How many rows an answer may have: at most 10,000. */
export function countOf(text: string | undefined, name: string, otherwise: number): number {
  return text === undefined ? otherwise : Math.min(10_000, wholeNumber(text, name));
}

import { Refusal } from './refusal.ts';

export type BodyFormat = 'json' | 'ndjson';

/**
 * text/plain is what a page can send without a preflight, and what SDKs send JSON as.
 *
 * @throws Refusal `media-type-unsupported`.
 */
export function bodyFormatOf(contentType: string | undefined): BodyFormat {
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (mediaType === 'application/json' || mediaType === 'text/plain') return 'json';
  if (mediaType === 'application/x-ndjson' || mediaType === 'application/ndjson') return 'ndjson';
  throw new Refusal({
    code: 'media-type-unsupported',
    message:
      mediaType === '' ? 'The Content-Type is missing.' : `Content-Type "${mediaType}" is not supported.`,
    hint: 'Use application/json for one event or an array, application/x-ndjson for one event a line.',
  });
}

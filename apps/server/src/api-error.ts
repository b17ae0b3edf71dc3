import { ClicklakeError, isClicklakeError } from '@clicklake/errors';

/**
 * Why the admin API turned a request away.
 *
 * - `host-not-allowed` (421): the Host header names none of ours, as in DNS rebinding (S6.5).
 * - `token-missing`, `token-invalid` (401): neither the token nor the console's cookie, or one that is not ours.
 * - `link-invalid` (401): the login link was used, has expired, or never existed.
 * - `origin-not-allowed` (403): a change asked for by a page that is not the console (S6.5).
 * - `request-invalid` (400): the request does not have the form that the route takes.
 * - `not-found` (404): no such route, table, or record.
 * - `not-here` (409): this process cannot do it; another one owns that part, or nobody does.
 * - `too-many-streams` (503): more live streams than this process serves.
 * - `stopping` (503): shutting down.
 * - `internal` (500): a defect of ours.
 */
export type ApiErrorCode = keyof typeof statusOf;

const statusOf = {
  'host-not-allowed': 421,
  'token-missing': 401,
  'token-invalid': 401,
  'link-invalid': 401,
  'origin-not-allowed': 403,
  'request-invalid': 400,
  'not-found': 404,
  'not-here': 409,
  'too-many-streams': 503,
  stopping: 503,
  internal: 500,
} as const;

export class ApiError extends ClicklakeError<ApiErrorCode> {}

/** The body of every answer that is no success. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  /** The failure is ours to look into. */
  readonly unexpected: boolean;
}

/** What other packages' errors mean in HTTP; one that is not here is 503 when retryable, else 422. */
const statusOfOthers: Readonly<Record<string, number>> = {
  'query-not-allowed': 400,
  'query-syntax': 400,
  'query-timeout': 408,
  'query-cancelled': 499,
  'files-lock-held': 409,
  'lake-owned': 409,
  'log-locked': 409,
  'restore-log-gone': 409,
  'job-unknown': 404,
};

/** Any failure as an answer: an unexpected one tells nothing but that it happened. */
export function errorAnswer(error: unknown): ErrorAnswer {
  if (error instanceof ApiError) return answer(statusOf[error.code], error, error.code === 'internal');
  if (isClicklakeError(error)) {
    return answer(statusOfOthers[error.code] ?? (error.retryable ? 503 : 422), error, false);
  }
  return answer(500, internalError(error), true);
}

function answer(status: number, error: ClicklakeError, unexpected: boolean): ErrorAnswer {
  const { code, message, hint, details } = error;
  const hasDetails = Object.keys(details).length > 0;
  return { status, body: { code, message, hint, ...(hasDetails && { details }) }, unexpected };
}

function internalError(cause: unknown): ApiError {
  return new ApiError({
    code: 'internal',
    message: 'The server failed on this request.',
    hint: 'What it says on its standard error names the cause; please report it.',
    cause,
  });
}

import type { Answer } from '../engine/statement-runner.ts';
import type { ResolvedOptions } from '../engine/options.ts';
import type { PinnedState } from '../pin.ts';
import { QueryError, type QueryErrorCode } from '../query-error.ts';
import type { TailColumn } from '../tail/tail-table.ts';

/** What the query process is asked to do to itself; each is answered by `done` or `failed`. */
export type Command =
  | { readonly kind: 'open'; readonly options: ResolvedOptions }
  | { readonly kind: 'create-tail'; readonly name: string; readonly columns: readonly TailColumn[] }
  | { readonly kind: 'load-tail'; readonly name: string; readonly file: string }
  | { readonly kind: 'drop-tail'; readonly name: string };

/** To the query process. A statement gets its pin when it asks for it, and ends in `answer` or `failed`. */
export type Request =
  | { readonly kind: 'command'; readonly id: number; readonly command: Command }
  | { readonly kind: 'run'; readonly id: number; readonly sql: string; readonly maxRows: number }
  | { readonly kind: 'pin'; readonly id: number; readonly state: PinnedState }
  | { readonly kind: 'no-pin'; readonly id: number; readonly error: ErrorFacts }
  | { readonly kind: 'stop'; readonly id: number; readonly reason: ErrorFacts };

/** From the query process. */
export type Response =
  | { readonly kind: 'done'; readonly id: number }
  | { readonly kind: 'needs-pin'; readonly id: number }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ErrorFacts }
  | { readonly kind: 'last-words'; readonly why: WhyItEnds };

/**
 * Why the query process ends itself: a statement took too much memory, or cannot be stopped; or none runs,
 * and the allocators keep more than they should.
 */
export type WhyItEnds = 'memory' | 'stuck' | 'grown';

/** A QueryError as data; its cause, which may be anything, stays behind. */
export interface ErrorFacts {
  readonly code: QueryErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
}

export function factsOf({ code, message, hint, retryable, details }: QueryError): ErrorFacts {
  return { code, message, hint, retryable, details };
}

export function errorOf(facts: ErrorFacts): QueryError {
  return new QueryError(facts);
}

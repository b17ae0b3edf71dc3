import { QueryError } from '../../src/index.ts';

/** The QueryError that `promise` rejects with. */
export async function queryErrorOf(promise: Promise<unknown>): Promise<QueryError> {
  const outcome: unknown = await promise.then(
    (value) => new Error(`Resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (outcome instanceof QueryError) return outcome;
  throw outcome;
}

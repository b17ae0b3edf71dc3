import { isClicklakeError } from '@clicklake/errors';

/** Tells people of failures that may come with every request, without a line for every request. */
export interface FailureTalk {
  /** @param what failed, for people. */
  tell(what: string, error: unknown): void;
}

/** One kind of failure is told so often at most; then with how many more there were. */
const pauseMs = 60_000;
/** Kinds that are remembered: what a request says must not make them many. */
const mostKinds = 100;

interface Told {
  readonly at: number;
  readonly more: number;
}

/** @param now milliseconds, of any clock */
export function createFailureTalk(warn: (line: string) => void, now: () => number): FailureTalk {
  const told = new Map<string, Told>();
  return {
    tell(what, error) {
      const kind = `${what} ${isClicklakeError(error) ? error.code : String(error).slice(0, 200)}`;
      const before = told.get(kind);
      const elapsed = now() - (before?.at ?? Number.NEGATIVE_INFINITY);
      // A clock that was set back must not keep it silent.
      if (before !== undefined && elapsed >= 0 && elapsed < pauseMs) {
        told.set(kind, { ...before, more: before.more + 1 });
        return;
      }
      if (told.size >= mostKinds) told.clear();
      told.set(kind, { at: now(), more: 0 });
      const more = before?.more ?? 0;
      warn(
        `${what}: ${describe(error)}${more === 0 ? '' : ` (and ${more} times more since it was last told)`}`,
      );
    },
  };
}

/** What we expect has its way out in its hint; what we do not is a defect, of which the stack tells. */
function describe(error: unknown): string {
  if (isClicklakeError(error)) return `${error.message} ${error.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

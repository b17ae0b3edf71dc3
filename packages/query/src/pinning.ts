import type { Pin, PinnedState } from './pin.ts';
import type { QueryError } from './query-error.ts';

/** The pin of one statement, from the moment that the query process asks for it until it has let go of it. */
export interface Pinning {
  /** Takes the pin, and gives what of it can go to another process. @throws QueryError */
  readonly take: () => Promise<PinnedState>;
  wasTaken(): boolean;
  /** Releases every slice and the pin, as soon as it is taken, if it is. To be called once. */
  release(): void;
}

export function openPinning(takePin: () => Promise<Pin>, failure: (error: unknown) => QueryError): Pinning {
  let wasTaken = false;
  let released = false;
  let held: Pin | undefined;
  const letGo = (): void => {
    for (const { tail } of held?.tables ?? []) for (const slice of tail?.slices ?? []) slice.release();
    held?.release();
  };
  return {
    async take() {
      try {
        wasTaken = true;
        held = await takePin();
        if (released) letGo();
        const { tables, label } = held;
        return {
          tables: tables.map(({ name, relationSql, tail }) => ({
            name,
            relationSql,
            ...(tail === undefined
              ? {}
              : {
                  tail: {
                    slices: tail.slices.map(({ table, rows }) => ({ table, rows })),
                    covered: tail.covered,
                  },
                }),
          })),
          label,
        };
      } catch (error) {
        throw failure(error);
      }
    },
    wasTaken: () => wasTaken,
    release() {
      released = true;
      letGo();
    },
  };
}

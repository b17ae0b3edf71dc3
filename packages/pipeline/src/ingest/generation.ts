import type { ReceivedHorizon } from './received-horizon.ts';
import { noReplays, type ReplayPlaces } from './replay-places.ts';

/**
 * What ingest has judged and not committed yet: the tail of one future commit (S6.1). A value; every tick
 * makes a new one once all its work has succeeded.
 */
export interface Generation {
  readonly id: number;
  /** When its first record was taken up, ms by the process's clock; undefined while it is empty. */
  readonly openedAt: number | undefined;
  /** SELECTs over this process's DuckDB whose rows together are the Silver rows. */
  readonly silverSelects: readonly string[];
  /** DuckDB tables to drop once it is committed. */
  readonly tables: readonly string[];
  readonly silverRows: number;
  readonly deadLetterRows: number;
  readonly duplicateRows: number;
  /** Bytes of the log that it stands for. */
  readonly bytes: number;
  /** Some of its rows are not in the query engine's tail: it is to be committed at once. */
  readonly hidden: boolean;
  /** Next offset per partition of `clickstream-events` before it and after it. */
  readonly eventsStart: readonly bigint[];
  readonly eventsEnd: readonly bigint[];
  /** Next offset of `clickstream-errors` after it. */
  readonly errorsEnd: bigint;
  /** Offsets passed over because they were given up as unreadable (S4.2): Silver's commit counts them … */
  readonly unreadableEvents: bigint;
  /** … and that of the dead letters, whose `txn` moves past those of `clickstream-errors`. */
  readonly unreadableErrors: bigint;
  /** The replays among its Silver rows (S8). */
  readonly replays: ReplayPlaces;
  /** Down to which received_at records may still come after it. */
  readonly horizon: ReceivedHorizon;
}

export const tailTable = (id: number): string => `tail_${id}`;
export const deadLettersTable = (id: number): string => `dead_letters_${id}`;
export const duplicatesTable = (id: number): string => `duplicates_${id}`;

/** What the next generation starts from. */
export type GenerationStart = Pick<Generation, 'id' | 'eventsEnd' | 'errorsEnd' | 'horizon'>;

export function emptyGeneration({ id, eventsEnd, errorsEnd, horizon }: GenerationStart): Generation {
  return {
    id,
    openedAt: undefined,
    silverSelects: [],
    tables: [],
    silverRows: 0,
    deadLetterRows: 0,
    duplicateRows: 0,
    bytes: 0,
    hidden: false,
    eventsStart: eventsEnd,
    eventsEnd,
    errorsEnd,
    unreadableEvents: 0n,
    unreadableErrors: 0n,
    replays: noReplays,
    horizon,
  };
}

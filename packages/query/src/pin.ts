import type { TailSlice } from './tail/tail-table.ts';

/**
 * Tail rows that a committed version already holds: those whose columns equal `key` and whose
 * `offsetColumn` lies below `nextOffset`. One per log partition of the version's `txn` (S6.1), as
 * `{ key: { log_partition: 0 }, offsetColumn: 'log_offset', nextOffset: 1200n }`.
 */
export interface TailCover {
  readonly key: Readonly<Record<string, string | number | bigint>>;
  readonly offsetColumn: string;
  readonly nextOffset: bigint;
}

/** The live rows of a table: slices of tail generations, less what the committed version covers. */
export interface QueryTail {
  readonly slices: readonly TailSlice[];
  readonly covered: readonly TailCover[];
}

/** A name that users may select from. */
export interface QueryTable extends PinnedTable {
  readonly tail?: QueryTail;
}

/** A table as data alone, which can go to another process. */
export interface PinnedTable {
  /** Lower-case letters, digits and `_`. */
  readonly name: string;
  /** A SELECT over committed files. It is our own code's text and is not judged. */
  readonly relationSql: string;
  /** Columns are matched by name; one that the tail lacks is NULL there. */
  readonly tail?: { readonly slices: readonly PinnedSlice[]; readonly covered: readonly TailCover[] };
}

/** The first `rows` rows of the tail table `table`. */
export interface PinnedSlice {
  readonly table: string;
  readonly rows: number;
}

/** What a pin stands for, handed back with the result. */
export interface PinLabel {
  readonly silverVersion: number | bigint;
  readonly tailEpoch: number;
}

/**
 * One consistent state of all tables: a committed version and a tail epoch (S6.1). The engine owns
 * the pin once it is handed over: it releases every slice, then calls `release`, exactly once.
 */
export interface Pin extends PinnedState {
  readonly tables: readonly QueryTable[];
  release(): void;
}

/** What a statement sees, as data alone. */
export interface PinnedState {
  readonly tables: readonly PinnedTable[];
  readonly label: PinLabel;
}

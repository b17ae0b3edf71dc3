import type { DuckDBDataChunk } from '@duckdb/node-api';

import type { PinnedSlice } from '../pin.ts';
import { QueryError } from '../query-error.ts';

/** A column of a tail generation; `type` is a DuckDB type as our contract writes it. */
export interface TailColumn {
  readonly name: string;
  readonly type: string;
}

/** The first `rows` rows of a generation, which stays readable until `release`. */
export interface TailSlice extends PinnedSlice {
  /** Idempotent. */
  release(): void;
}

/** One tail generation: the rows between two commits, appended to and at last dropped as a whole. */
export interface TailTable {
  readonly name: string;
  /** Rows that a slice taken now would hold. */
  readonly rowCount: number;
  /**
   * Appends rows, all or none. Chunks may come from any DuckDB instance of this process; their columns are
   * the generation's, in its order.
   *
   * @returns the new `rowCount`.
   * @throws QueryError `query-out-of-memory`, `query-tail-failed`
   */
  append(chunks: readonly DuckDBDataChunk[]): Promise<number>;
  /** Pins the rows of this moment. @throws QueryError `query-tail-failed` after `drop` */
  slice(): TailSlice;
  /** Takes no more slices, and resolves when the last one is released and the table is gone. Idempotent. */
  drop(): Promise<void>;
}

/** Where the rows of generations are kept. */
export interface TailStore {
  append(name: string, chunks: readonly DuckDBDataChunk[]): Promise<void>;
  drop(name: string): Promise<void>;
}

/** The account of a generation whose table `store` has: its rows, and who reads them. */
export function openTailTable(store: TailStore, name: string): TailTable {
  let rowCount = 0;
  let slices = 0;
  let dropped: Promise<void> | undefined;
  const idle = Promise.withResolvers<undefined>();

  return {
    name,
    get rowCount() {
      return rowCount;
    },
    async append(chunks) {
      if (dropped !== undefined) throw gone(name);
      if (chunks.length === 0) return rowCount;
      await store.append(name, chunks);
      rowCount += chunks.reduce((rows, chunk) => rows + chunk.rowCount, 0);
      return rowCount;
    },
    slice() {
      if (dropped !== undefined) throw gone(name);
      slices += 1;
      let held = true;
      return {
        table: name,
        rows: rowCount,
        release() {
          if (!held) return;
          held = false;
          slices -= 1;
          if (slices === 0 && dropped !== undefined) idle.resolve(undefined);
        },
      };
    },
    drop() {
      if (dropped === undefined) {
        if (slices === 0) idle.resolve(undefined);
        dropped = idle.promise.then(() => store.drop(name));
      }
      return dropped;
    },
  };
}

function gone(name: string): QueryError {
  return new QueryError({
    code: 'query-tail-failed',
    message: `The tail ${name} was dropped.`,
    hint: 'Pin the published version again and append to its generation.',
    retryable: true,
  });
}

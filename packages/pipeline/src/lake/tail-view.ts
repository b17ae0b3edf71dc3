import { duckdbColumns } from '@clicklake/contract';
import type { QueryEngine, QueryTail, TailTable } from '@clicklake/query';
import type { DuckDBDataChunk } from '@duckdb/node-api';

/** The tail as queries see it: one table per uncommitted generation in the query engine's DuckDB (S6.1). */
export interface TailView {
  append(generation: number, rows: readonly DuckDBDataChunk[]): Promise<void>;
  /**
   * Its rows are in a committed version that pins know from now on. The table goes with its last reader, for
   * which nobody waits: a slow query must not hold up ingest. `onProblem` hears when it could not go.
   */
  drop(generation: number, onProblem: (problem: unknown) => void): void;
  /** Everything: the rows will be read from the log again. */
  clear(): Promise<void>;
  /** The rows of this moment, less what a version covers: next offset per partition. */
  slice(covered: readonly bigint[]): QueryTail;
  /** Grows with every change: part of a pin's label. */
  epoch(): number;
}

export function createTailView(engine: QueryEngine): TailView {
  const tables = new Map<number, TailTable>();
  let epoch = 0;
  return {
    async append(generation, rows) {
      let table = tables.get(generation);
      if (table === undefined) {
        table = await engine.createTail(generation, [...duckdbColumns]);
        tables.set(generation, table);
      }
      await table.append(rows);
      epoch += 1;
    },
    drop(generation, onProblem) {
      const table = tables.get(generation);
      if (table === undefined) return;
      tables.delete(generation);
      epoch += 1;
      table.drop().catch(onProblem);
    },
    async clear() {
      const all = [...tables.values()];
      tables.clear();
      epoch += 1;
      await Promise.all(all.map((table) => table.drop()));
    },
    slice: (covered) => ({
      slices: [...tables.values()].map((table) => table.slice()),
      covered: covered.map((nextOffset, partition) => ({
        key: { log_partition: partition },
        offsetColumn: 'log_offset',
        nextOffset,
      })),
    }),
    epoch: () => epoch,
  };
}

import type { Engine } from '@clicklake/pipeline';

/** The one source of a harness's engine: columns id (64-bit integer) and day (date), partitioned by day. */
export const sourceName = 'shop.sales';

/** A lake of one source and no written table, for one test. What it does to them is another process's doing. */
export interface EngineHarness {
  readonly engine: Engine;
  /** An engine over the same tables that shares nothing else with it. */
  another(): Engine;
  appendToSource(day: string, ids: readonly number[]): Promise<void>;
  replaceInSource(day: string, ids: readonly number[]): Promise<void>;
  /** Moves the rows of the source to other files. */
  compactSource(): Promise<void>;
  /** Lets the source's log forget how it came to be what it is. */
  forgetSourceHistory(): Promise<void>;
  dispose(): Promise<void>;
}

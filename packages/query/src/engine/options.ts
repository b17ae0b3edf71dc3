import type { InstanceSettings } from './instance.ts';

/** What may be set on opening; everything has a default but where to read. */
export interface QueryEngineOptions {
  /** Where committed files lie. Only there, and only through our relations, is anything read. */
  readonly readableDirectories: readonly string[];
  /** MiB for queries and tails together. Default 192. */
  readonly memoryLimitMb?: number | undefined;
  /**
   * MiB that the query process may take in all. DuckDB counts no value against `memoryLimitMb` while one
   * expression makes it: past this the process is ended and started anew. Default `memoryLimitMb` + 512.
   */
  readonly maxResidentMb?: number | undefined;
  /** Default 2. */
  readonly threads?: number | undefined;
  /** Milliseconds from `run` to its answer, waiting included. Default 30,000 (S6.4). */
  readonly timeoutMs?: number | undefined;
  /** Rows of one result. Default 10,000. */
  readonly maxRows?: number | undefined;
  /** Approximate bytes of JSON of one result. Default 32 MiB. */
  readonly maxResultBytes?: number | undefined;
  /**
   * Where a query that outgrows its memory may spill; emptied whenever the process ends. Without it such a
   * query fails.
   */
  readonly tempDirectory?: string | undefined;
  /** MiB of spill space. Default 1,024. */
  readonly maxTempDirectoryMb?: number | undefined;
  /**
   * Queries at a time. Default 2: each holds a thread of the query process's pool of four.
   */
  readonly maxConcurrent?: number | undefined;
  /** Queries that wait in line before `query-too-many`. Default 32. */
  readonly maxWaiting?: number | undefined;
}

/** Options as the engine uses them: complete and in range. */
export interface ResolvedOptions extends InstanceSettings {
  readonly maxResidentMb: number;
  readonly timeoutMs: number;
  readonly maxRows: number;
  readonly maxResultBytes: number;
  readonly maxConcurrent: number;
  readonly maxWaiting: number;
}

/** @throws RangeError that names the option. */
export function resolveOptions(given: QueryEngineOptions): ResolvedOptions {
  for (const directory of [
    ...given.readableDirectories,
    ...(given.tempDirectory === undefined ? [] : [given.tempDirectory]),
  ]) {
    if (!/^(\/|[A-Za-z]:[/\\])/.test(directory))
      throw new RangeError(`${directory} is not an absolute path.`);
  }
  const memoryLimitMb = atLeast(16, 'memoryLimitMb', given.memoryLimitMb ?? 192);
  return {
    readableDirectories: given.readableDirectories,
    tempDirectory: given.tempDirectory,
    memoryLimitMb,
    // Idle the process takes about 110 MiB; the rest is for results, and for what DuckDB doesn't count.
    maxResidentMb: atLeast(256, 'maxResidentMb', given.maxResidentMb ?? memoryLimitMb + 512),
    threads: atLeast(1, 'threads', given.threads ?? 2),
    timeoutMs: atLeast(1, 'timeoutMs', given.timeoutMs ?? 30_000),
    maxRows: atLeast(1, 'maxRows', given.maxRows ?? 10_000),
    maxResultBytes: atLeast(1, 'maxResultBytes', given.maxResultBytes ?? 32 * 2 ** 20),
    maxTempDirectoryMb: atLeast(0, 'maxTempDirectoryMb', given.maxTempDirectoryMb ?? 1_024),
    maxConcurrent: atLeast(1, 'maxConcurrent', given.maxConcurrent ?? 2),
    maxWaiting: atLeast(0, 'maxWaiting', given.maxWaiting ?? 32),
  };
}

function atLeast(minimum: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new RangeError(`${name} must be an integer of at least ${minimum}, and is ${value}.`);
}

/** One line of `npm run -s bench -- <name> --json`: the design's public surface. */
export interface BenchmarkResult {
  readonly name: string;
  /** The figure that the bar is about. */
  readonly value: number;
  readonly bar: number;
  readonly pass: boolean;
  /** Everything else worth knowing; both sides of a ratio come from the same run. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface BenchmarkOptions {
  /** At most two minutes: proves that the benchmark runs, its figure is not the one to quote. */
  readonly short: boolean;
  /** Told what is going on, for people. */
  readonly say: (line: string) => void;
}

export interface Benchmark {
  readonly name: string;
  readonly description: string;
  run(options: BenchmarkOptions): Promise<BenchmarkResult>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function rounded(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

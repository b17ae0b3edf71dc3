import { parseArgs } from 'node:util';
import type { Benchmark } from './benchmark.ts';
import { collectorBenchmark } from './benches/collector.ts';
import { footprintBenchmark } from './benches/footprint.ts';
import { freshnessBenchmark } from './benches/freshness.ts';
import { goldFreshnessBenchmark } from './benches/gold-freshness.ts';
import { goldRefreshBenchmark } from './benches/gold-refresh.ts';
import { ingestBenchmark } from './benches/ingest.ts';
import { ingestWindowBenchmark } from './benches/ingest-window.ts';
import { queriesBenchmark } from './benches/queries.ts';
import { soakBenchmark } from './benches/soak.ts';
import { traceBenchmark } from './benches/trace.ts';
import { yearLogBenchmark } from './benches/year-log.ts';

const benchmarks: readonly Benchmark[] = [
  ingestBenchmark,
  ingestWindowBenchmark,
  collectorBenchmark,
  freshnessBenchmark,
  footprintBenchmark,
  goldRefreshBenchmark,
  goldFreshnessBenchmark,
  queriesBenchmark,
  soakBenchmark,
  traceBenchmark,
  yearLogBenchmark,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});
const chosen =
  positionals[0] === 'all' ? benchmarks : benchmarks.filter(({ name }) => name === positionals[0]);
if (chosen.length === 0) {
  console.error('usage: npm run -s bench -- <name>|all [--short] [--json]\n');
  for (const { name, description } of benchmarks) console.error(`  ${name.padEnd(16)}${description}`);
  process.exit(2);
}

let failed = false;
for (const benchmark of chosen) {
  const say = (line: string): void => console.error(`[${benchmark.name}] ${line}`);
  try {
    const result = await benchmark.run({ short: values.short, say });
    // The short form proves that it runs; on a loaded machine its figure decides nothing.
    if (!result.pass && !values.short) failed = true;
    console.log(JSON.stringify(result));
  } catch (error) {
    // The others may well run: one lacks a Python package, say.
    failed = true;
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}
process.exitCode = failed ? 1 : 0;

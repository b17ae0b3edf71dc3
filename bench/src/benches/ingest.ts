import { join } from 'node:path';
import { median, rounded, type Benchmark } from '../benchmark.ts';
import { eventLogFixture } from '../support/event-log-fixture.ts';
import { runIngest, type IngestRun } from '../support/ingest-run.ts';
import { runRawDuckdb } from '../support/raw-duckdb.ts';

const bar = 0.7;

export const ingestBenchmark: Benchmark = {
  name: 'ingest',
  description: 'log → Silver, against DuckDB alone on the same data (bar: ≥ 0.7 of it)',
  async run({ short, say }) {
    const fixture = await eventLogFixture(short ? 100_000 : 1_000_000, say);
    const pairs = short ? 1 : 5;
    const ours: IngestRun[] = [];
    const raw: { readonly seconds: number; readonly cpuSeconds: number }[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      const rawRun = await runRawDuckdb(fixture.ndjson, join(fixture.home, 'raw'));
      const ourRun = await runIngest(fixture.home);
      raw.push(rawRun);
      ours.push(ourRun);
      say(
        `pair ${pair + 1}: DuckDB ${rawRun.seconds.toFixed(2)} s, clicklake ${ourRun.seconds.toFixed(2)} s`,
      );
    }
    const rawSeconds = median(raw.map(({ seconds }) => seconds));
    const seconds = median(ours.map((run) => run.seconds));
    const value = rounded(rawSeconds / seconds);
    return {
      name: 'ingest',
      value,
      bar,
      pass: value >= bar,
      detail: {
        unit: 'speed relative to DuckDB alone, medians',
        events: fixture.events,
        bytesPerEvent: Math.round(fixture.bytes / fixture.events),
        pairs,
        seconds: rounded(seconds),
        eventsPerSecond: Math.round(fixture.events / seconds),
        rawSeconds: rounded(rawSeconds),
        cpuSeconds: rounded(median(ours.map((run) => run.cpuSeconds))),
        rawCpuSeconds: rounded(median(raw.map((run) => run.cpuSeconds))),
        commits: ours[0]?.commits,
      },
    };
  },
};

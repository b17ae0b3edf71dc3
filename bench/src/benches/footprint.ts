import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { median, quantile, rounded, type Benchmark } from '../benchmark.ts';
import { startProduct } from '../support/product.ts';
import { watchResident } from '../support/resident.ts';

/** The last tenth's median may be at most this much of the second tenth's (S10). */
const bar = 1.15;

export const footprintBenchmark: Benchmark = {
  name: 'footprint',
  description: 'memory while 10 M events go in: flat (bar: last tenth ≤ 1.15 × the second)',
  async run({ short, say }) {
    const events = short ? 200_000 : 10_000_000;
    const rate = short ? 5_000 : 8_000;
    const product = await startProduct(['--no-simulator']);
    const resident = watchResident(product.pid, short ? 250 : 1000);
    say(`${events} events at ${rate}/s`);
    const load = fork(
      join(import.meta.dirname, '../support/load-process.ts'),
      [product.collectorUrl, product.serverKey, String(rate), String(events / rate)],
      { execArgv: ['--conditions=source'] },
    );
    const [code] = (await once(load, 'exit')) as [number | null];
    resident.stop();
    const ledger = JSON.parse(await product.command(['ledger', '--json'])) as { balanced: boolean };
    await product.stop();
    const { samples } = resident;
    const tenth = Math.floor(samples.length / 10);
    const second = median(samples.slice(tenth, 2 * tenth));
    const last = median(samples.slice(-tenth));
    const value = rounded(last / second);
    return {
      name: 'footprint',
      value,
      bar,
      pass: value <= bar && code === 0 && ledger.balanced,
      detail: {
        unit: 'median PSS of the last tenth ÷ that of the second',
        events,
        rate,
        secondTenthMb: rounded(second, 0),
        lastTenthMb: rounded(last, 0),
        peakMb: rounded(quantile(samples, 1), 0),
        ledger,
      },
    };
  },
};

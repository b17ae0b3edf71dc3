import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { measure, prepareRequests } from '../../../packages/collector/bench/load.ts';
import { median, rounded, type Benchmark } from '../benchmark.ts';

const barRate = 50_000;
const barRatio = 0.5;
const connections = 16;

interface Round {
  /** Events acknowledged a second. */
  readonly rate: number;
  /** CPU time of the server for each event, µs. */
  readonly cpu: number;
}

export const collectorBenchmark: Benchmark = {
  name: 'collector',
  description: `durable events/s in batches of 100 (bars: ≥ ${barRate} and ≥ ${barRatio} of a bare route)`,
  async run({ short, say }) {
    const rounds = short ? 1 : 5;
    const seconds = short ? 3 : 8;
    const ours: Round[] = [];
    const bare: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await runSide('bare', seconds));
      ours.push(await runSide('collector', seconds));
      say(
        `round ${round + 1}: bare ${Math.round(bare.at(-1)?.rate ?? 0)}/s, collector ${Math.round(ours.at(-1)?.rate ?? 0)}/s`,
      );
    }
    const rate = median(ours.map((round) => round.rate));
    const bareRate = median(bare.map((round) => round.rate));
    const ratio = rounded(rate / bareRate);
    return {
      name: 'collector',
      value: Math.round(rate),
      bar: barRate,
      pass: rate >= barRate && ratio >= barRatio,
      detail: {
        unit: 'events/s, durable, batches of 100, generator on the same cores',
        ratio,
        barRatio,
        bareRate: Math.round(bareRate),
        cpuMicrosecondsPerEvent: rounded(median(ours.map(({ cpu }) => cpu)), 1),
        bareCpuMicrosecondsPerEvent: rounded(median(bare.map(({ cpu }) => cpu)), 1),
        connections,
        rounds,
        seconds,
      },
    };
  },
};

async function runSide(side: 'collector' | 'bare', seconds: number): Promise<Round> {
  const program = join(import.meta.dirname, '../../../packages/collector/bench/server.ts');
  const server = fork(program, [side], { execArgv: ['--conditions=source'] });
  const [url] = (await once(server, 'message')) as [string];
  const requests = prepareRequests('wks_bench_bench_bench');
  await measure(url, requests, connections, Math.min(3, seconds));
  const cpuBefore = await cpuTime();
  const { events, elapsedMs } = await measure(url, requests, connections, seconds);
  const cpu = ((await cpuTime()) - cpuBefore) / events;
  server.send('stop');
  await once(server, 'exit');
  return { rate: (events / elapsedMs) * 1000, cpu };

  async function cpuTime(): Promise<number> {
    server.send('cpu');
    return ((await once(server, 'message')) as [number])[0];
  }
}

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { measure, prepareRequests } from './load.ts';

/**
 * `node --conditions=source bench/throughput.ts [rounds] [seconds] [connections]`: events/s of the collector and
 * of the bare route, alternating, under a load generator on the same cores (S10).
 */

const [rounds = 3, seconds = 5, connections = 16] = process.argv.slice(2).map(Number);
const warmUpEvents = 400_000;
const requests = prepareRequests('wks_bench_bench_bench');

interface Result {
  /** Events acknowledged a second. */
  readonly rate: number;
  /** CPU time of the server process for each event, µs: steadier than the rate on a machine that others use. */
  readonly cpu: number;
}

async function run(side: 'collector' | 'bare'): Promise<Result> {
  const server = fork(fileURLToPath(new URL('server.ts', import.meta.url)), [side], {
    execArgv: [
      '--conditions=source',
      ...(process.env.SERVER_FLAGS ?? '').split(' ').filter((flag) => flag !== ''),
    ],
  });
  const [url] = (await once(server, 'message')) as [string];
  const cpuTime = async (): Promise<number> => {
    server.send('cpu');
    return ((await once(server, 'message')) as [number])[0];
  };
  // By events, not by time: until then the compiler is what is measured.
  for (let warm = 0; warm < warmUpEvents;) warm += (await measure(url, requests, connections, 1)).events;
  const before = await cpuTime();
  const { events, elapsedMs } = await measure(url, requests, connections, seconds);
  const cpu = ((await cpuTime()) - before) / events;
  server.send('stop');
  await once(server, 'exit');
  return { rate: (events / elapsedMs) * 1_000, cpu };
}

const results = { collector: [] as Result[], bare: [] as Result[] };
for (let round = 0; round < rounds; round += 1) {
  for (const side of ['bare', 'collector'] as const) {
    const result = await run(side);
    results[side].push(result);
    process.stdout.write(
      `${side.padEnd(10)} ${Math.round(result.rate)} events/s, ${result.cpu.toFixed(1)} µs CPU an event\n`,
    );
  }
}
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
const ratio = (of: (result: Result) => number): string =>
  (median(results.collector.map(of)) / median(results.bare.map(of))).toFixed(2);
process.stdout.write(
  `ratio      ${ratio(({ rate }) => rate)} of the rate, ${ratio(({ cpu }) => cpu)} of the CPU\n`,
);

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lakePaths, type LakePaths } from '@clicklake/pipeline';
import { quantile, rounded, type Benchmark } from '../benchmark.ts';
import { cacheDirectory } from '../support/event-log-fixture.ts';
import { commitsOf, goldBytes, goldLags, ingestCommits, type Commits } from '../support/gold-commits.ts';
import {
  denseDay,
  makeGoldDay,
  multiplyGoldDay,
  spreadDay,
  type GoldDay,
} from '../support/gold-day-fixture.ts';
import { startProduct, type RunningProduct } from '../support/product.ts';
import { watchResident } from '../support/resident.ts';

/** Seconds, with a million events in the touched date. */
const bar = 5;
const residentBarMb = 500;
const rate = 1000;

interface Day {
  readonly events: string;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly refreshes: number;
  readonly refreshP50: number;
  readonly refreshP99: number;
  readonly residentPeakMb: number;
  readonly goldMbADay: number;
  readonly goldFiles: number;
  readonly goldLogMb: number;
  readonly silverCommits: number;
}

export const goldFreshnessBenchmark: Benchmark = {
  name: 'gold-freshness',
  description: `Silver commit → Gold commit at ${rate} events/s, 1, 10 and 50 M events in the date (bar: p99 ≤ ${bar} s at 1 M, ≤ ${residentBarMb} MB in all)`,
  async run({ short, say }) {
    const days: Day[] = [];
    for (const size of short ? [{ millions: 0.02, make: denseDay }] : sizesAsked()) {
      const day = await measureDay(size, short ? 35 : Number(process.env.BENCH_SECONDS ?? 180), say);
      say(JSON.stringify(day));
      days.push(day);
    }
    const value = Math.max(...days.slice(0, 2).map(({ p99 }) => p99));
    return {
      name: 'gold-freshness',
      value,
      bar,
      pass: value <= bar && days.every(({ residentPeakMb }) => residentPeakMb <= residentBarMb),
      detail: { unit: 's, the larger p99 of the first two', rate, residentBarMb, days },
    };
  },
};

interface Size {
  readonly millions: number;
  readonly make: (date: string, count: number) => GoldDay;
}

/** `BENCH_MILLIONS=1,10` measures these only. */
function sizesAsked(): readonly Size[] {
  return (process.env.BENCH_MILLIONS ?? '1,10,50').split(',').flatMap((text): Size[] => {
    const millions = Number(text);
    const spread = { millions, make: spreadDay };
    return millions === 1 ? [{ millions, make: denseDay }, spread] : [spread];
  });
}

async function measureDay(
  { millions, make }: Size,
  seconds: number,
  say: (line: string) => void,
): Promise<Day> {
  // A whole date lies behind, so that the time at which this runs makes no difference.
  const date = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  const base = Math.min(millions, 1);
  const day = make(date, base * 1e6);
  const fixtureOf = (size: number): string =>
    join(cacheDirectory(), `bench-gold-day-3-${date}-${day.name}-${size}`);
  await makeGoldDay(fixtureOf(base), day, base * 1e6, say);
  const fixture = fixtureOf(millions);
  if (millions > base) await multiplyGoldDay(fixtureOf(base), fixture, millions / base, say);
  const home = `${fixture}-run-${process.pid}`;
  await cp(fixture, home, { recursive: true });
  const paths = lakePaths(home);
  const before = await commitsOf(paths);
  const product = await startProduct(['--no-simulator'], home);
  const resident = watchResident(product.pid, 500);
  const startedAt = new Date().toISOString();
  say(`${rate} events/s for ${seconds} s into ${millions} M, ${day.name}`);
  const load = fork(
    join(import.meta.dirname, '../support/load-process.ts'),
    [
      product.collectorUrl,
      product.serverKey,
      ...[rate, seconds, day.load.startAt, day.load.passedOver].map(String),
    ],
    { execArgv: ['--conditions=source'] },
  );
  await once(load, 'exit');
  const after = await whenCaughtUp(paths, before);
  resident.stop();
  const lags = goldLags(after, before).map((ms) => ms / 1000);
  const durations = await refreshesSince(product, startedAt);
  const inSeconds = (ms: number): number => rounded(ms / 1000, 1);
  say(`each commit waited: ${lags.map((lag) => rounded(lag, 1)).join(' ')} s`);
  say(`each refresh took: ${durations.map(inSeconds).join(' ')} s`);
  const written = goldBytes(after) - goldBytes(before);
  const goldFiles = liveGoldFiles(await product.command(['tables', '--json']));
  await product.stop();
  await rm(home, { recursive: true, force: true });
  return {
    events: `${millions} M, ${day.name}`,
    p50: rounded(quantile(lags, 0.5), 2),
    p99: rounded(quantile(lags, 0.99), 2),
    max: rounded(quantile(lags, 1), 2),
    refreshes: durations.length,
    refreshP50: rounded(quantile(durations, 0.5) / 1000, 2),
    refreshP99: rounded(quantile(durations, 0.99) / 1000, 2),
    residentPeakMb: rounded(quantile(resident.samples, 1), 0),
    goldMbADay: rounded(((written / 1e6) * 86_400) / seconds, 0),
    goldFiles,
    goldLogMb: rounded(after.goldLogBytes / 1e6, 1),
    silverCommits: lags.length,
  };
}

const catchUpMs = 120_000;

/** The logs once Gold stands for all that Silver has, or when that takes too long to wait for. */
async function whenCaughtUp(paths: LakePaths, before: Commits): Promise<Commits> {
  const giveUpAt = performance.now() + catchUpMs;
  for (;;) {
    const commits = await commitsOf(paths);
    const waiting = ingestCommits(commits, before).length - goldLags(commits, before).length;
    if (waiting === 0 || performance.now() > giveUpAt) return commits;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Milliseconds that each of `up`'s own refreshes took. */
async function refreshesSince(product: RunningProduct, since: string): Promise<readonly number[]> {
  const text = await product.command(['runs', '--job', 'refresh', '--limit', '1000', '--json']);
  const runs = JSON.parse(text) as readonly { startedAt: string; endedAt: string | null }[];
  return runs.flatMap(({ startedAt, endedAt }) =>
    endedAt === null || startedAt < since ? [] : [Date.parse(endedAt) - Date.parse(startedAt)],
  );
}

function liveGoldFiles(tables: string): number {
  const ofIngest = ['silver', 'dead_letters', 'duplicates'];
  return (JSON.parse(tables) as readonly { name: string; files: number }[])
    .filter(({ name }) => !ofIngest.includes(name))
    .reduce((sum, { files }) => sum + files, 0);
}

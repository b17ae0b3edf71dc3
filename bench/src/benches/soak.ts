import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, quantile, rounded, type Benchmark } from '../benchmark.ts';
import { startMortalProduct, type MortalProduct } from '../soak/mortal-product.ts';
import { growingParts, sampleDisk, type DiskSample } from '../soak/disk-sample.ts';
import { pause } from '../soak/pause.ts';
import { goldTables, openSoakJudge, type GoldVerdict, type SilverVerdict } from '../soak/soak-verdict.ts';
import { keepUp, killAtRandom, type UpkeepRun } from '../soak/trouble.ts';
import { residentOfTree } from '../support/resident.ts';

/** Flat: the last tenth's median may be at most this much of the second tenth's (S10). */
const bar = 1.15;
const rate = 1000;
const day = 86_400_000;
/** Days of Silver that retention leaves, today included: late events reach further back. */
const silverDays = 2;

export const soakBenchmark: Benchmark = {
  name: 'soak',
  description: `20 minutes at ${rate} events/s with kill -9 at random: flat memory (bar: ≤ ${bar}), nothing lost, Gold exact`,
  async run({ short, say }) {
    const seconds = short ? 60 : 1200;
    const seed = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
    say(`${rate} events/s for ${seconds} s, SOAK_SEED=${seed}`);
    const scratch = await mkdtemp(join(tmpdir(), 'clicklake-soak-truth-'));
    const truthFile = join(scratch, 'truth.jsonl');
    const product = await startMortalProduct({
      CLICKLAKE_LOG_RETENTION: short ? '20s' : '3min',
      CLICKLAKE_INGEST_DEDUPE_WINDOW: short ? '30s' : '3min',
      CLICKLAKE_SILVER_RETENTION: `${silverDays}d`,
      CLICKLAKE_SILVER_VERSION_RETENTION: '4min',
      CLICKLAKE_SILVER_DELETED_FILE_RETENTION: '2min',
      CLICKLAKE_SILVER_CHECKPOINT_INTERVAL: '10',
      CLICKLAKE_GOLD_VERSION_RETENTION: '4min',
      CLICKLAKE_GOLD_DELETED_FILE_RETENTION: '2min',
      CLICKLAKE_GOLD_CHECKPOINT_INTERVAL: '10',
    });
    try {
      const stopped = new AbortController();
      const seen = watch(product, short ? 8_000 : 20_000, stopped.signal);
      const kills = killAtRandom(
        product,
        { seed, between: short ? [8, 20] : [30, 120] },
        stopped.signal,
        say,
      );
      const upkeep = keepUp(product, short ? 4_000 : 15_000, stopped.signal);
      await shoppersGo(product, truthFile, seconds, seed);
      stopped.abort();
      const killed = await kills;
      const upkeepRuns = await upkeep;
      const { samples, disk } = await seen;
      await until(async () => (await ledgerOf(product, [])).in_flight === 0);
      const verdict = await judge(product, truthFile);
      const tenth = Math.max(1, Math.floor(samples.length / 10));
      const secondMb = median(samples.slice(tenth, 2 * tenth));
      const lastMb = median(samples.slice(-tenth));
      const value = rounded(lastMb / secondMb);
      const refused = upkeepRuns.filter(({ code, interrupted }) => code !== 0 && !interrupted);
      const growing = growingParts(disk);
      // Being right is no figure: also the short form has to be.
      if (!verdict.sound || refused.length > 0)
        throw new Error(`The soak, SOAK_SEED=${seed}: ${JSON.stringify({ ...verdict, refused })}`);
      return {
        name: 'soak',
        value,
        bar,
        pass: value <= bar && killed > 0 && growing.length === 0,
        detail: {
          unit: 'median PSS of the last tenth ÷ that of the second',
          seed,
          rate,
          seconds,
          kills: killed,
          secondTenthMb: rounded(secondMb, 0),
          lastTenthMb: rounded(lastMb, 0),
          peakMb: rounded(quantile(samples, 1), 0),
          ...verdict,
          growing,
          upkeep: countRuns(upkeepRuns),
          disk: thinned(disk, 10),
        },
      };
    } finally {
      await product.stop();
      await product.remove();
      await rm(scratch, { recursive: true, force: true });
    }
  },
};

async function shoppersGo(
  product: MortalProduct,
  truthFile: string,
  seconds: number,
  seed: number,
): Promise<void> {
  const { output } = await product.command(['keys', '--json']);
  const keys = JSON.parse(output) as { readonly key: string; readonly kind: string }[];
  const key = keys.find(({ kind }) => kind === 'server')?.key ?? '';
  const load = fork(
    join(import.meta.dirname, '../soak/soak-load.ts'),
    [product.collectorUrl, key, String(rate), String(seconds), truthFile, String(seed)],
    { execArgv: ['--conditions=source'] },
  );
  const [code] = (await once(load, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`The load generator ended with ${code}.`);
}

interface Ledger {
  readonly balanced: boolean;
  readonly in_flight: number;
}

async function ledgerOf(product: MortalProduct, more: readonly string[]): Promise<Ledger> {
  return JSON.parse((await product.command(['ledger', '--json', ...more])).output) as Ledger;
}

interface Verdict {
  readonly sound: boolean;
  readonly silver: SilverVerdict;
  readonly gold: readonly GoldVerdict[];
  readonly ledger: Ledger;
}

/** After the last refresh and a graceful stop: the truth file, the deep ledger and a full recomputation agree. */
async function judge(product: MortalProduct, truthFile: string): Promise<Verdict> {
  const refreshed = await product.command(['refresh', '--json']);
  if (refreshed.code !== 0) throw new Error(`The last refresh failed: ${refreshed.output}`);
  if ((await product.stop()) !== 0) throw new Error('The product did not stop as it should.');
  const judge = await openSoakJudge(product.home);
  try {
    // The stop may have committed what came since: Gold follows once more.
    await product.command(['refresh', '--json']);
    await judge.rememberGold();
    const full = await product.command(['refresh', '--full', '--json']);
    if (full.code !== 0) throw new Error(`The full refresh failed: ${full.output}`);
    const gold = await judge.compareGold();
    const oldest = new Date(Date.now() - (silverDays - 1) * day).toISOString().slice(0, 10);
    const silver = await judge.silver(truthFile, oldest);
    const ledger = await ledgerOf(product, ['--deep']);
    const sound =
      ledger.balanced &&
      silver.acknowledged > 0 &&
      silver.missing + silver.repeated + silver.unknown === 0 &&
      gold.length === goldTables.length &&
      gold.every(({ rows, onlyBefore, onlyAfter }) => rows > 0 && onlyBefore + onlyAfter === 0);
    return { sound, silver, gold, ledger };
  } finally {
    judge.close();
  }
}

/** Resident memory each second of a life that has settled, and the disk every ten seconds. */
async function watch(
  product: MortalProduct,
  settleMs: number,
  signal: AbortSignal,
): Promise<{ readonly samples: readonly number[]; readonly disk: readonly DiskSample[] }> {
  const samples: number[] = [];
  const disk: DiskSample[] = [];
  const startedAt = performance.now();
  for (let second = 0; !signal.aborted; second += 1) {
    const settled = performance.now() - (product.readyAt ?? Infinity) > settleMs;
    const size = settled ? await residentOfTree(product.pid) : 0;
    if (size > 0) samples.push(size);
    if (second % 10 === 0)
      disk.push(await sampleDisk(product.home, Math.round((performance.now() - startedAt) / 1000)));
    await pause(1000, signal);
  }
  return { samples, disk };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const unlimited = new AbortController().signal;
  while (!(await condition())) await pause(500, unlimited);
}

function countRuns(runs: readonly UpkeepRun[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { args, code } of runs) {
    const name = `${args.join(' ')}: ${code === 0 ? 'done' : 'interrupted'}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function thinned<T>(values: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, Math.ceil(values.length / most));
  return values.filter((_, index) => index % step === 0 || index === values.length - 1);
}

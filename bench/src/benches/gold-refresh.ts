import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import { createGoldRefresh, type GoldRefresh, type RefreshResult } from '@clicklake/pipeline';
import { median, rounded, type Benchmark } from '../benchmark.ts';
import { goldHistories, type GoldHistory } from '../support/gold-history-fixture.ts';

/** What one batch may cost beside the same batch on the shortest history. */
const bars: Readonly<Record<number, number>> = { 10: 1.2, 30: 1.3 };
const days = 3;

interface Timed {
  readonly ms: number;
  readonly cpuMs: number;
  readonly result: RefreshResult;
}

export const goldRefreshBenchmark: Benchmark = {
  name: 'gold-refresh',
  description:
    'one new batch into Gold at 1, 10 and 30 times the history (bar: worst of ratio ÷ its own bar ≤ 1)',
  async run({ short, say }) {
    const rounds = short ? 3 : 9;
    const eventsPerDay = short ? 5_000 : 50_000;
    const histories = await goldHistories(
      {
        factors: [1, 10, 30],
        days,
        eventsPerDay,
        // The first round warms up.
        batches: rounds + 1,
        batchEvents: short ? 200 : 1_000,
      },
      say,
    );
    await using opened = new AsyncDisposableStack();
    for (const history of histories) opened.defer(() => history.remove());
    const sides = histories.map((history) => {
      const refreshing = createGoldRefresh({
        paths: history.paths,
        files: nodeFileSystem,
        openStore: localStore,
        crashPoints: noCrashPoints,
        clock: Date.now,
      });
      opened.defer(() => refreshing.close());
      return { history, refreshing, times: [] as Timed[] };
    });
    // A model that is not the one of the fixture any more is made anew here.
    for (const { refreshing } of sides) await refreshing.refresh({ full: false, models: [] });
    for (let round = 0; round <= rounds; round += 1) {
      // Each comes first as often as the others.
      for (let turn = 0; turn < sides.length; turn += 1) {
        const side = sides[(round + turn) % sides.length];
        if (side === undefined) continue;
        await side.history.commitBatch();
        const timed = await timedRefresh(side.refreshing, false);
        requireIncremental(timed.result, side.history);
        if (round > 0) side.times.push(timed);
      }
    }
    const measured: Side[] = [];
    for (const { history, refreshing, times } of sides) {
      const full = await timedRefresh(refreshing, true);
      const side = summary(history, times, full);
      say(`${side.days} days: ${side.ms} ms, ${side.cpuMs} ms of CPU; anew ${side.fullMs} ms`);
      measured.push(side);
    }
    const [shortest] = measured;
    const ratios = measured.flatMap((side) => {
      const bar = bars[side.factor];
      return bar === undefined || shortest === undefined
        ? []
        : [{ history: side.factor, ratio: rounded(side.ms / shortest.ms), bar }];
    });
    const value = rounded(Math.max(...ratios.map(({ ratio, bar }) => ratio / bar)));
    return {
      name: 'gold-refresh',
      value,
      bar: 1,
      pass: value <= 1,
      detail: {
        unit: 'worst of time relative to the shortest history ÷ its own bar, medians',
        ratios,
        rounds,
        batchEvents: short ? 200 : 1_000,
        histories: measured,
      },
    };
  },
};

interface Side {
  readonly factor: number;
  readonly days: number;
  readonly events: number;
  readonly ms: number;
  readonly cpuMs: number;
  readonly fullMs: number;
  /** A full recomputation takes so many times as long. */
  readonly againstFull: number;
  readonly modelMs: Readonly<Record<string, number>>;
}

function summary(history: GoldHistory, times: readonly Timed[], full: Timed): Side {
  const ms = rounded(median(times.map((timed) => timed.ms)), 1);
  const modelNames = full.result.models.map(({ model }) => model);
  return {
    factor: history.factor,
    days: history.factor * days,
    events: history.events,
    ms,
    cpuMs: rounded(median(times.map(({ cpuMs }) => cpuMs)), 1),
    fullMs: rounded(full.ms, 0),
    againstFull: rounded(full.ms / ms, 1),
    modelMs: Object.fromEntries(
      modelNames.map((name) => [
        name,
        median(times.map(({ result }) => result.models.find(({ model }) => model === name)?.durationMs ?? 0)),
      ]),
    ),
  };
}

async function timedRefresh(refreshing: GoldRefresh, full: boolean): Promise<Timed> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const result = await refreshing.refresh({ full, models: [] });
  const ms = performance.now() - startedAt;
  const cpu = process.cpuUsage(cpuBefore);
  return { ms, cpuMs: (cpu.user + cpu.system) / 1000, result };
}

/** One batch lies in one date: everything else would measure something else. */
function requireIncremental({ models }: RefreshResult, { factor }: GoldHistory): void {
  for (const { model, mode, dates } of models)
    if (mode !== 'dates' || dates.length !== 1)
      throw new Error(
        `At ${factor} times the history ${model} was refreshed by ${mode}: ${dates.join(', ')}`,
      );
}

import {
  createHttpSink,
  createSimulation,
  createTruthWriter,
  realPacingClock,
  runSimulation,
  type RunProgress,
  type SimulatedRecord,
} from '@clicklake/simulator';

export interface ShoppersOptions {
  /** The collector's; it may be down for a while. */
  readonly url: string;
  readonly key: string;
  readonly seed: string;
  readonly truthFile: string;
  /** How many records; Infinity: until the signal fires. */
  readonly records: number;
  /** Records per second. */
  readonly rate: number;
  /** Shares of the records. */
  readonly late: number;
  readonly duplicates: number;
  readonly malformed: number;
  /** Records of another run, of which some are sent again. */
  readonly repeats?: readonly SimulatedRecord[];
  readonly signal?: AbortSignal;
  /** Gives up what is under way as well. */
  readonly abandon?: AbortSignal;
}

/** What was delivered, and the records themselves. */
export interface Delivered extends RunProgress {
  readonly records: readonly SimulatedRecord[];
}

/** Longer, and a collector that is back would wait for its producer instead of the other way round. */
const longestPauseMs = 100;

/**
 * The simulator's shoppers in this process, which no kill reaches. They send over HTTP until each record is taken,
 * with the same ids, and note in the truth file what was acknowledged, and what was sent more than once for it.
 */
export async function sendShoppers(options: ShoppersOptions): Promise<Delivered> {
  const { url, key, seed, truthFile, records: maxEvents, rate, repeats = [], signal, abandon } = options;
  const records: SimulatedRecord[] = [];
  const sink = createHttpSink({
    url,
    key,
    concurrency: 3,
    batchSize: rate < 1_000 ? 20 : 200,
    clock: { sleep: (ms, stop) => realPacingClock.sleep(Math.min(ms, longestPauseMs), stop) },
  });
  const truth = createTruthWriter(truthFile);
  const simulation = createSimulation({
    seed,
    time: { mode: 'live', startAt: Date.now(), eventsPerSecond: rate },
    lateRate: options.late,
    duplicateRate: options.duplicates,
    malformedRate: options.malformed,
  });
  try {
    const totals = await runSimulation({
      simulation: noting(withRepeats(simulation, repeats), records),
      sink,
      rate,
      maxEvents,
      batchSize: Math.ceil(rate / 20),
      inFlight: 3,
      truth,
      ...(signal !== undefined && { signal }),
      ...(abandon !== undefined && { abandon }),
    });
    return { ...totals, records };
  } finally {
    truth.close();
    await sink.close();
  }
}

/** Every twentieth record is an event of another run, byte for byte: the window has to reach over the restart. */
function* withRepeats(
  simulation: Iterable<SimulatedRecord>,
  others: readonly SimulatedRecord[],
): Generator<SimulatedRecord> {
  const events = others.filter((record) => record.kind === 'event');
  let sent = 0;
  for (const record of simulation) {
    const repeated = sent % 20 === 0 ? events[sent / 20] : undefined;
    if (repeated !== undefined) yield { ...repeated, kind: 'duplicate', expected: 'duplicates' };
    yield record;
    sent += 1;
  }
}

function* noting(
  simulation: Iterable<SimulatedRecord>,
  records: SimulatedRecord[],
): Generator<SimulatedRecord> {
  for (const record of simulation) {
    records.push(record);
    yield record;
  }
}

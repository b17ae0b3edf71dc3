/**
 * The soak's shoppers, in a process that no kill of the product touches:
 * `soak-load.ts <collector> <key> <events per second> <seconds> <truth file> <seed>`. Sends until the collector
 * has taken each record, however often it is killed meanwhile, and notes in the truth file what was acknowledged.
 */
import {
  createHttpSink,
  createSimulation,
  createTruthWriter,
  runSimulation,
  type SimulatedRecord,
} from '@clicklake/simulator';

const [url = '', key = '', rateText = '', secondsText = '', truthFile = '', seed = ''] =
  process.argv.slice(2);
const eventsPerSecond = Number(rateText);

const truth = createTruthWriter(truthFile);
const sink = createHttpSink({ url, key, concurrency: 4, batchSize: 100 });
const totals = await runSimulation({
  simulation: withoutOldRepeats(
    createSimulation({
      seed,
      time: { mode: 'live', startAt: Date.now(), eventsPerSecond, now: Date.now },
      duplicateRate: 0.01,
      malformedRate: 0.005,
      lateRate: 0.02,
    }),
  ),
  sink,
  rate: eventsPerSecond,
  maxEvents: eventsPerSecond * Number(secondsText),
  batchSize: Math.ceil(eventsPerSecond / 10),
  inFlight: 4,
  truth,
});
truth.close();
await sink.close();
process.send?.(totals);
process.disconnect();

/**
 * The soak's dedupe window is short, so that retention has something to delete within minutes; a repeat from
 * before it would be no duplicate (S3.1). Of repeats only those of the newest events are left.
 */
function* withoutOldRepeats(simulation: Iterable<SimulatedRecord>): Generator<SimulatedRecord> {
  const newest = new Set<string>();
  for (const record of simulation) {
    if (record.kind === 'duplicate' && !newest.has(record.eventId)) continue;
    if (record.kind === 'event') newest.add(record.event.eventId);
    const [oldest] = newest;
    if (newest.size > eventsPerSecond * 15 && oldest !== undefined) newest.delete(oldest);
    yield record;
  }
}

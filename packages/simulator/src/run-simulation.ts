import type { EventSink, SendOutcome } from './event-sink.ts';
import { createSchedule, flatOut } from './pacing.ts';
import { realPacingClock, type PacingClock } from './pacing-clock.ts';
import type { SimulatedRecord } from './simulated-record.ts';
import type { TruthWriter } from './truth-writer.ts';

export interface RunOptions {
  readonly simulation: Iterator<SimulatedRecord>;
  readonly sink: EventSink;
  /** Records a second, or as fast as the sink takes them. Default 1, as the original. */
  readonly rate?: number | 'flat-out';
  /** Records in all; default: until the simulation ends or the signal fires. */
  readonly maxEvents?: number;
  /** Records of one `send`, at most. Default 1000. */
  readonly batchSize?: number;
  /** Overlapping `send`s. Default 1, which keeps every shopper's events in order. */
  readonly inFlight?: number;
  /** Ends the run gracefully: what was taken from the simulation is still delivered. */
  readonly signal?: AbortSignal;
  /** Gives up what is under way as well: the run fails, and the truth notes those records as undelivered. */
  readonly abandon?: AbortSignal;
  /** Told of each batch when its delivery has ended. */
  readonly truth?: Pick<TruthWriter, 'delivered' | 'undelivered'>;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly clock?: PacingClock;
}

/** Running totals. */
export interface RunProgress {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  /** Verdicts other than the expected ones. */
  readonly surprises: number;
  readonly resent: number;
  /** How far the run is behind its schedule, ms; 0 flat out. */
  readonly behindMs: number;
}

/**
 * Sends a simulation's records to a sink, at a rate or flat out. Every record taken from the simulation is
 * delivered, or the run fails.
 * @throws what the sink throws, after the other sends under way have ended.
 */
export async function runSimulation(options: RunOptions): Promise<RunProgress> {
  const { simulation, sink, truth, onProgress, signal } = options;
  const { rate = 1, maxEvents = Infinity, batchSize = 1000, inFlight = 1, clock = realPacingClock } = options;
  const schedule = rate === 'flat-out' ? flatOut : createSchedule(rate, clock);
  const failure = new AbortController();
  const givenUp = anyOf(failure.signal, options.abandon);
  const stopped = anyOf(givenUp, signal);
  const failures: unknown[] = [];
  const sends = new Set<Promise<void>>();
  let totals: RunProgress = { sent: 0, accepted: 0, rejected: 0, surprises: 0, resent: 0, behindMs: 0 };
  let taken = 0;

  const deliver = async (records: readonly SimulatedRecord[]): Promise<void> => {
    let outcome: SendOutcome;
    try {
      outcome = await sink.send(records, givenUp);
    } catch (error) {
      truth?.undelivered(records);
      throw error;
    }
    truth?.delivered(records, outcome);
    totals = {
      sent: totals.sent + records.length,
      accepted: totals.accepted + outcome.accepted,
      rejected: totals.rejected + outcome.rejected,
      surprises: totals.surprises + outcome.surprises.length,
      resent: totals.resent + outcome.resent.length,
      behindMs: schedule.behindMs(taken),
    };
    onProgress?.(totals);
  };

  /** Never rejects: a failure is kept for the end, when no other send is under way. */
  const send = async (records: readonly SimulatedRecord[]): Promise<void> => {
    try {
      await deliver(records);
    } catch (error) {
      failures.push(error);
      failure.abort();
    }
  };

  while (!stopped.aborted && taken < maxEvents) {
    if (sends.size >= inFlight) {
      await Promise.race(sends);
      continue;
    }
    const due = Math.min(schedule.due(taken), batchSize, maxEvents - taken);
    if (due <= 0) {
      await clock.sleep(schedule.untilNext(taken), stopped);
      continue;
    }
    const records = takeFrom(simulation, due);
    if (records.length === 0) break;
    taken += records.length;
    const sending = send(records).finally(() => sends.delete(sending));
    sends.add(sending);
  }
  await Promise.all(sends);
  for (const error of failures) throw error;
  return totals;
}

/** Up to `count` records; fewer when the simulation ends. */
function takeFrom(simulation: Iterator<SimulatedRecord>, count: number): SimulatedRecord[] {
  const records: SimulatedRecord[] = [];
  while (records.length < count) {
    const next = simulation.next();
    if (next.done === true) break;
    records.push(next.value);
  }
  return records;
}

function anyOf(signal: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? signal : AbortSignal.any([signal, other]);
}

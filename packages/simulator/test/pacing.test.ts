import {
  runSimulation,
  SimulatorError,
  type EventSink,
  type PacingClock,
  type RunProgress,
  type SimulatedRecord,
} from '@clicklake/simulator';
import { describe, expect, it } from 'vitest';
import { backFill, live } from './records.ts';

/** Time that passes only while somebody sleeps, and then a little too long, as timers do. */
function fakeClock(oversleepMs = 0): PacingClock & { pass(milliseconds: number): void } {
  let time = 1000;
  return {
    now: () => time,
    sleep(milliseconds) {
      time += milliseconds + oversleepMs;
      return Promise.resolve();
    },
    pass(milliseconds) {
      time += milliseconds;
    },
  };
}

interface Arrival {
  readonly at: number;
  readonly records: readonly SimulatedRecord[];
}

function recordingSink(clock: PacingClock, onSend: () => void = () => undefined) {
  const arrivals: Arrival[] = [];
  const sink: EventSink = {
    send(records) {
      arrivals.push({ at: clock.now() - 1000, records });
      onSend();
      return Promise.resolve({ accepted: records.length, rejected: 0, surprises: [], resent: [] });
    },
  };
  return { sink, arrivals };
}

/** Records that had arrived by `at`. */
function arrivedBy(arrivals: readonly Arrival[], at: number): number {
  return arrivals.filter((arrival) => arrival.at <= at).reduce((sum, { records }) => sum + records.length, 0);
}

describe('a paced run', () => {
  it('sends one record a second by default, each when it is due', async () => {
    const clock = fakeClock();
    const { sink, arrivals } = recordingSink(clock);
    await runSimulation({ simulation: live(100, 1).values(), sink, maxEvents: 10, clock });
    expect(arrivals.map(({ at }) => at)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000]);
  });

  it.each([3, 7.5, 100, 997, 5000])('keeps to %d a second without drift, with tardy timers', async (rate) => {
    const clock = fakeClock(1.7);
    const { sink, arrivals } = recordingSink(clock);
    const records = live(Math.ceil(rate * 5), rate);
    await runSimulation({ simulation: records.values(), sink, rate, batchSize: 10_000, clock });
    for (let second = 1; second < 5; second += 1) {
      const expected = rate * second;
      // At most one wait behind, never ahead.
      expect(arrivedBy(arrivals, second * 1000)).toBeLessThanOrEqual(expected + 1);
      expect(arrivedBy(arrivals, second * 1000)).toBeGreaterThanOrEqual(expected - 1 - rate * 0.05);
    }
    expect(arrivals.flatMap((arrival) => arrival.records)).toEqual(records);
  });

  it('lets nothing wait for 100 ms', async () => {
    const clock = fakeClock(2);
    const { sink, arrivals } = recordingSink(clock);
    await runSimulation({ simulation: live(2000, 1000).values(), sink, rate: 1000, clock });
    for (let index = 1; index < arrivals.length; index += 1) {
      expect((arrivals[index]?.at ?? 0) - (arrivals[index - 1]?.at ?? 0)).toBeLessThan(100);
    }
  });

  it('catches up after a pause of the sink', async () => {
    const clock = fakeClock();
    let sends = 0;
    const { sink, arrivals } = recordingSink(clock, () => {
      sends += 1;
      if (sends === 10) clock.pass(2000);
    });
    await runSimulation({ simulation: live(5000, 1000).values(), sink, rate: 1000, clock });
    expect(Math.abs(arrivedBy(arrivals, 4000) - 4000)).toBeLessThan(60);
  });

  it('lets go what a sleeping laptop missed', async () => {
    const clock = fakeClock();
    const progress: RunProgress[] = [];
    let sends = 0;
    const { sink, arrivals } = recordingSink(clock, () => {
      sends += 1;
      if (sends === 10) clock.pass(8 * 3_600_000);
    });
    const onProgress = (now: RunProgress): void => void progress.push(now);
    await runSimulation({ simulation: live(20_000, 1000).values(), sink, rate: 1000, clock, onProgress });
    const end = arrivals.at(-1)?.at ?? 0;
    expect(end - 8 * 3_600_000).toBeGreaterThan(14_000);
    expect(Math.max(...progress.map(({ behindMs }) => behindMs))).toBeGreaterThan(1000);
    expect(progress.at(-1)).toMatchObject({ sent: 20_000, accepted: 20_000 });
  });
});

describe('a run', () => {
  it('flat out sends everything in full batches, in order', async () => {
    const clock = fakeClock();
    const { sink, arrivals } = recordingSink(clock);
    const records = backFill(2500, 7);
    const totals = await runSimulation({ simulation: records.values(), sink, rate: 'flat-out', clock });
    expect(arrivals.map((arrival) => arrival.records.length)).toEqual([1000, 1000, 500]);
    expect(arrivals.flatMap((arrival) => arrival.records)).toEqual(records);
    expect(totals.sent).toBe(2500);
  });

  it('stops at the signal with what it took delivered', async () => {
    const stop = new AbortController();
    const clock = fakeClock();
    const { sink, arrivals } = recordingSink(clock, () => {
      if (arrivals.length === 3) stop.abort();
    });
    const simulation = backFill(10_000, 7).values();
    const totals = await runSimulation({ simulation, sink, rate: 'flat-out', signal: stop.signal, clock });
    expect(totals.sent).toBe(3000);
  });

  it('keeps at most inFlight sends under way', async () => {
    let [underWay, most] = [0, 0];
    const sink: EventSink = {
      async send(records) {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return { accepted: records.length, rejected: 0, surprises: [], resent: [] };
      },
    };
    await runSimulation({
      simulation: backFill(1000, 7).values(),
      sink,
      rate: 'flat-out',
      batchSize: 50,
      inFlight: 3,
    });
    expect(most).toBe(3);
  });

  it('fails with the sink’s error after the other sends have ended, and says what was not delivered', async () => {
    const failure = new SimulatorError({ code: 'simulator-delivery-refused', message: 'no', hint: 'none' });
    const finished: string[] = [];
    let sends = 0;
    const sink: EventSink = {
      async send(records, signal) {
        sends += 1;
        if (sends === 2) throw failure;
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        finished.push('other');
        return { accepted: records.length, rejected: 0, surprises: [], resent: [] };
      },
    };
    const noted = { delivered: 0, undelivered: 0 };
    const run = runSimulation({
      simulation: backFill(1000, 7).values(),
      sink,
      rate: 'flat-out',
      batchSize: 100,
      inFlight: 2,
      truth: {
        delivered: (records) => void (noted.delivered += records.length),
        undelivered: (records) => void (noted.undelivered += records.length),
      },
    });
    await expect(run).rejects.toBe(failure);
    expect(finished).toEqual(['other']);
    expect(noted).toEqual({ delivered: 100, undelivered: 100 });
  });
});

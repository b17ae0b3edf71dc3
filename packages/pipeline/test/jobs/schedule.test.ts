import { describe, expect, it, test } from 'vitest';
import { createGoldLagMeter } from '../../src/jobs/gold-lag.ts';
import { earliestStart } from '../../src/jobs/pace.ts';
import { defaultRetryPolicy, pauseAfter } from '../../src/jobs/retry.ts';
import { nextTime, parseSchedule, scheduleText } from '../../src/jobs/schedule.ts';

describe('a schedule', () => {
  it.each(['off', 'after-commits', '* * * * *', '30 3 * * 1', '*/10 * * * * *'])('takes %s', (text) => {
    const schedule = parseSchedule(text);
    expect(schedule === undefined ? undefined : scheduleText(schedule)).toBe(text);
  });

  it.each(['', 'on', 'every day', '61 * * * *', '* * * *', '0 0 30 2 *', `0 ${' '.repeat(300)} * * * *`])(
    'does not take "%s"',
    (text) => expect(parseSchedule(text)).toBeUndefined(),
  );

  it('is of UTC, and of times after the one given', () => {
    const at = Date.UTC(2026, 2, 29, 0, 30);
    expect(nextTime('30 3 * * *', at)).toBe(Date.UTC(2026, 2, 29, 3, 30));
    expect(nextTime('30 3 * * *', Date.UTC(2026, 2, 29, 3, 30))).toBe(Date.UTC(2026, 2, 30, 3, 30));
  });
});

test('the next refresh starts max(5 s, 4 × the last one’s duration) after the last began (S7.4)', () => {
  const pace = { commits: 1, leastMs: 5_000, restFactor: 4 };
  expect(earliestStart(pace, 100_000, 200)).toBe(105_000);
  expect(earliestStart(pace, 100_000, 3_000)).toBe(112_000);
});

test('pauses between attempts double, are spread over half of that, and end', () => {
  const pauses = (random: number): (number | undefined)[] =>
    [1, 2, 3, 4, 5].map((attempt) => pauseAfter(defaultRetryPolicy, attempt, random));
  expect(pauses(0)).toEqual([1_000, 2_000, 4_000, 8_000, undefined]);
  expect(pauses(0.999)[3]).toBeCloseTo(4_004);
  expect(pauseAfter({ ...defaultRetryPolicy, attempts: 100 }, 50, 0)).toBe(60_000);
});

describe('how far Gold is behind (S7.4)', () => {
  it('counts from the first commit that it does not show', () => {
    let now = 1_000;
    const meter = createGoldLagMeter(() => now, 3, 3, 0);
    expect(meter.lag()).toEqual({ silverVersion: 3, goldVersion: 3, behindMs: 0 });
    meter.noteSilver(4);
    now = 3_000;
    meter.noteSilver(5);
    now = 4_000;
    expect(meter.lag()).toEqual({ silverVersion: 5, goldVersion: 3, behindMs: 3_000 });
    meter.noteGold(4);
    expect(meter.lag().behindMs).toBe(1_000);
    meter.noteGold(5);
    expect(meter.lag()).toEqual({ silverVersion: 5, goldVersion: 5, behindMs: 0 });
  });

  it('remembers the beginning of a long outage, and no more than a bounded number of commits', () => {
    let now = 0;
    const meter = createGoldLagMeter(() => now, 0, 0, 0);
    for (let version = 1; version <= 5_000; version += 1) {
      now = version * 10;
      meter.noteSilver(version);
    }
    expect(meter.lag().behindMs).toBe(5_000 * 10 - 10);
    meter.noteGold(4_999);
    expect(meter.lag().behindMs).toBeLessThan(5_000 * 10);
  });

  it('is known from the record of runs after a start', () => {
    const meter = createGoldLagMeter(() => 9_000, 8, 6, 2_000);
    expect(meter.lag()).toEqual({ silverVersion: 8, goldVersion: 6, behindMs: 7_000 });
  });
});

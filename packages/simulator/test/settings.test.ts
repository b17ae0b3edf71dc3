import { createSimulation, SimulatorError, type SimulationSettings } from '@clicklake/simulator';
import { describe, expect, it } from 'vitest';
import { backFill, monday } from './records.ts';

const time = { mode: 'back-fill', endAt: monday, days: 7, events: 100 } as const;
const liveTime = { mode: 'live', startAt: monday, eventsPerSecond: 1 } as const;

describe('settings', () => {
  it.each<[string, Partial<SimulationSettings>]>([
    ['time.days', { time: { ...time, days: 0 } }],
    ['time.days', { time: { ...time, days: 400 } }],
    ['time.events', { time: { ...time, events: 1.5 } }],
    ['time.endAt', { time: { ...time, endAt: NaN } }],
    ['time.startAt', { time: { ...liveTime, startAt: -1 } }],
    ['time.eventsPerSecond', { time: { ...liveTime, eventsPerSecond: 0 } }],
    ['members', { members: 0 }],
    ['lateRate', { lateRate: 1.1 }],
    ['botRate', { botRate: NaN }],
    ['duplicateRate + malformedRate', { duplicateRate: 0.5, malformedRate: 0.5 }],
    ['sentAt', { sentAt: true }],
  ])('refuses a wrong %s before the first record', (setting, wrong) => {
    let caught: unknown = null;
    try {
      createSimulation({ seed: 1, time, ...wrong });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(SimulatorError);
    expect(caught).toMatchObject({ code: 'simulator-setting-invalid', details: { setting } });
  });

  it('makes exactly the number of records asked for', () => {
    expect(backFill(0, 7)).toEqual([]);
    expect(backFill(1, 7).map((record) => record.kind)).toEqual(['event']);
    expect(backFill(1234, 0.5)).toHaveLength(1234);
  });

  it('does with a handful of members, and with one', () => {
    expect(backFill(500, 7, { members: 1 })).toHaveLength(500);
  });
});

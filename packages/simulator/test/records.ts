import {
  createSimulation,
  type EventFacts,
  type SimulatedRecord,
  type SimulationSettings,
} from '@clicklake/simulator';

export const day = 86_400_000;
export const hour = 3_600_000;

/** A Monday, midnight UTC. */
export const monday = Date.UTC(2025, 5, 2);

/** A back-fill that ends at {@link monday}. */
export function backFill(
  events: number,
  days: number,
  settings: Partial<SimulationSettings> = {},
): SimulatedRecord[] {
  const time = { mode: 'back-fill', endAt: monday, days, events } as const;
  return [...createSimulation({ seed: 'tests', time, ...settings })];
}

/** The first records of a live simulation that starts at {@link monday}. */
export function live(
  events: number,
  eventsPerSecond: number,
  settings: Partial<SimulationSettings> = {},
): SimulatedRecord[] {
  const time = { mode: 'live', startAt: monday, eventsPerSecond } as const;
  const records: SimulatedRecord[] = [];
  for (const record of createSimulation({ seed: 'tests', time, ...settings })) {
    if (records.length === events) break;
    records.push(record);
  }
  return records;
}

/** Facts of the events, without their duplicates. */
export function factsOf(records: readonly SimulatedRecord[]): EventFacts[] {
  return records.flatMap((record) => (record.kind === 'event' ? [record.event] : []));
}

export function intersection<T>(some: ReadonlySet<T>, others: ReadonlySet<T>): T[] {
  return [...some].filter((value) => others.has(value));
}

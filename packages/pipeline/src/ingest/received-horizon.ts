import type { Intake } from './intake.ts';

/**
 * Down to which received_at records may still come: what the dedupe index may forget is older than that by the
 * window, however far ingest lags behind the clock (S3.1, S1.5).
 */
export interface ReceivedHorizon {
  /** Per partition the time, ms, that no record still to be read is older than. */
  readonly perPartition: readonly number[];
  /** The newest record read in any partition, ms. */
  readonly newest: number;
}

/** Before anything is read: records may be of any age. */
export function startHorizon(partitions: number): ReceivedHorizon {
  return { perPartition: Array.from({ length: partitions }, () => 0), newest: 0 };
}

/**
 * A partition that gave records gives only later ones from now on. One that gave none was read to its end: what
 * it gets next is stamped no earlier than what the ticks before have read elsewhere, since the collector's
 * clock never goes back.
 */
export function advanceHorizon(horizon: ReceivedHorizon, intake: Pick<Intake, 'events'>): ReceivedHorizon {
  const perPartition = horizon.perPartition.map((before, partition) => {
    const batches = intake.events.find((input) => input.partition === partition)?.batches ?? [];
    return Math.max(before, batches.at(-1)?.maxTimestamp ?? horizon.newest);
  });
  return { perPartition, newest: Math.max(horizon.newest, ...perPartition) };
}

export function oldestToCome(horizon: ReceivedHorizon): number {
  return Math.min(...horizon.perPartition);
}

import type { Contract } from '@clicklake/contract';
import type { LogWriter } from '@clicklake/event-log';
import type { BackFillOptions, BackFillRequest, BackFillResult } from '@clicklake/server';
import {
  createSimulation,
  runSimulation,
  type RunOptions,
  type SimulationSettings,
} from '@clicklake/simulator';
import { createLogSink } from './log-sink.ts';

/** The simulation of a back-fill: the same request makes the same records, in whatever process. */
export function backFillSimulation(request: BackFillRequest): SimulationSettings {
  const { events, days, seed, endAt, ...rates } = request;
  return { ...rates, seed, time: { mode: 'back-fill', events, days, endAt } };
}

/** Small, so that a process which also collects and ingests stays responsive. */
const batchSize = 500;

/** Writes a back-fill into the log that this process owns. */
export async function runBackFill(
  writer: LogWriter,
  contract: Contract,
  now: () => number,
  truncateIp: boolean,
  request: BackFillRequest,
  { onProgress, ...run }: BackFillOptions & Pick<RunOptions, 'truth' | 'abandon'>,
): Promise<BackFillResult> {
  const { accepted, rejected } = await runSimulation({
    simulation: createSimulation(backFillSimulation(request)),
    sink: createLogSink(writer, contract, now, truncateIp),
    rate: 'flat-out',
    batchSize,
    // The next batch is judged while the one before it is made durable.
    inFlight: 2,
    onProgress: ({ sent }) => onProgress({ written: sent }),
    ...run,
  });
  return { accepted, rejected };
}

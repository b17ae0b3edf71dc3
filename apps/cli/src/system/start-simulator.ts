import { createHttpSink, createSimulation, runSimulation } from '@clicklake/simulator';
import { serverKeyOf } from '../produce/server-key.ts';
import type { StartedCollector, SystemContext } from './system-parts.ts';

/** Simulated shoppers at a steady rate, through the collector as everybody's events. */
export function startSimulator(system: SystemContext, { url, keys }: StartedCollector): void {
  const { config, effects, terminal, lifecycle } = system;
  const rate = config['simulator.rate'];
  const end = new AbortController();
  const sink = createHttpSink({ url, key: serverKeyOf(keys.list()) });
  const running = runSimulation({
    simulation: createSimulation({
      seed: config['simulator.seed'],
      time: { mode: 'live', startAt: effects.now(), eventsPerSecond: rate, now: effects.now },
    }),
    sink,
    rate,
    // At high rates a batch every 50 ms or so.
    batchSize: Math.max(1, Math.ceil(rate / 20)),
    signal: end.signal,
    abandon: end.signal,
  }).catch((error: unknown) => {
    if (end.signal.aborted) return;
    terminal.warn(`The simulator stopped: ${error instanceof Error ? error.message : String(error)}`);
  });
  lifecycle.add('simulator', async () => {
    end.abort();
    await running;
    await sink.close();
  });
}

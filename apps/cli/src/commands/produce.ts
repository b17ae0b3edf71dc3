import { readLockOwner } from '@clicklake/durable-files';
import { createKeyStore, generateWriteKey, openKeyStore } from '@clicklake/collector';
import {
  createHttpSink,
  createSimulation,
  createTruthWriter,
  runSimulation,
  type TruthWriter,
} from '@clicklake/simulator';
import type { BackFillRequest } from '@clicklake/server';
import type { CommandContext } from '../context.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { findOwner } from '../lake/find-owner.ts';
import { connectTo } from '../lake/with-lake.ts';
import { backFillSimulation, runBackFill } from '../produce/back-fill.ts';
import { serverKeyOf } from '../produce/server-key.ts';
import { createLifecycle } from '../system/lifecycle.ts';
import {
  contractOf,
  startLogWriter,
  startTemporaryCollector,
  type SystemContext,
} from '../system/system-parts.ts';
import { createProgress } from '../terminal/progress.ts';
import { formatCount } from '../terminal/columns.ts';

/** Shares of the records, 0 to 1; absent: the simulator's own. */
export interface Rates {
  readonly lateRate?: number;
  readonly duplicateRate?: number;
  readonly malformedRate?: number;
}

export interface ProduceOptions {
  readonly events: number;
  readonly seed: string;
  readonly rates: Rates;
  readonly truthFile: string | null;
}

interface Produced {
  readonly accepted: number;
  readonly rejected: number;
}

/** Events of this moment, through the collector: the running one, or one started for as long as it takes. */
export async function produceLive(
  context: CommandContext,
  options: ProduceOptions,
  rate: number | null,
): Promise<ExitCode> {
  return producing(context, options, async (system, { truth, onSent, ...stop }) => {
    const { url, key, startedHere } = await findCollector(system);
    const sink = createHttpSink({ url, key, onWait: sayWaiting(system) });
    system.lifecycle.add('sender', () => sink.close());
    const simulation = createSimulation({
      ...options.rates,
      seed: options.seed,
      time: {
        mode: 'live',
        startAt: system.effects.now(),
        eventsPerSecond: rate ?? flatOutRate,
        now: system.effects.now,
      },
    });
    const result = await runSimulation({
      simulation,
      sink,
      rate: rate ?? 'flat-out',
      maxEvents: options.events,
      ...(rate !== null && { batchSize: Math.max(1, Math.min(1000, Math.ceil(rate / 10))) }),
      ...stop,
      onProgress: ({ sent }) => onSent(sent),
      ...(truth !== undefined && { truth }),
    });
    return { ...result, through: startedHere ? 'a collector of its own' : url };
  });
}

/** How busy the simulated shop is when nobody says: it decides how many shoppers there are. */
const flatOutRate = 1_000;

/** Events of past days, straight into the log: by its writer's process when one runs, else by this one. */
export async function produceBackFill(
  context: CommandContext,
  options: ProduceOptions,
  days: number,
  endAt: number,
): Promise<ExitCode> {
  const request: BackFillRequest = {
    ...options.rates,
    events: options.events,
    seed: options.seed,
    days,
    endAt,
  };
  return producing(context, options, async (system, { truth, onSent, ...stop }) => {
    const owner = await findOwner(system.paths.ingestLock);
    const truthGiven = truth === undefined ? {} : { truth };
    if (owner?.role === 'up') {
      const admin = await connectTo(system, owner);
      const onProgress = ({ written }: { readonly written: number }): void => onSent(written);
      const result = await admin.backFill(request, { onProgress, signal: stop.signal });
      noteWhole(truth, request);
      return { ...result, through: owner.url };
    }
    const collector = await readLockOwner(system.paths.collectorLock);
    if (collector?.url != null) {
      const key = await readServerKey(system);
      const sink = createHttpSink({ url: collector.url, key, onWait: sayWaiting(system) });
      system.lifecycle.add('sender', () => sink.close());
      const result = await runSimulation({
        simulation: createSimulation(backFillSimulation(request)),
        sink,
        rate: 'flat-out',
        ...stop,
        ...truthGiven,
        onProgress: ({ sent }) => onSent(sent),
      });
      return { ...result, through: collector.url };
    }
    const { writer } = await startLogWriter(system);
    const truncateIp = system.config['collector.truncate_ip'];
    const result = await runBackFill(writer, contractOf(system), system.effects.now, truncateIp, request, {
      ...stop,
      ...truthGiven,
      onProgress: ({ written }) => onSent(written),
    });
    return { ...result, through: 'the log' };
  });
}

interface Run {
  readonly truth: TruthWriter | undefined;
  readonly onSent: (sent: number) => void;
  /** Aborts at Ctrl-C: what was taken from the simulation is still delivered … */
  readonly signal: AbortSignal;
  /** … and this one at a second: it is not. */
  readonly abandon: AbortSignal;
}

async function producing(
  context: CommandContext,
  { events, truthFile }: ProduceOptions,
  run: (system: SystemContext, run: Run) => Promise<Produced & { readonly through: string }>,
): Promise<ExitCode> {
  const { terminal, effects, json } = context;
  const lifecycle = createLifecycle((name, error) => terminal.warn(`${name}: ${String(error)}`));
  const system: SystemContext = { ...context, role: 'produce', lifecycle, onFatal: () => undefined };
  const stop = new AbortController();
  const abandon = new AbortController();
  const stopListening = effects.signals.onStop(() => (stop.signal.aborted ? abandon : stop).abort());
  const progress = createProgress(terminal, effects.stderr, 'Producing', events);
  const truth = truthFile === null ? undefined : createTruthWriter(truthFile);
  const startedAt = performance.now();
  try {
    const result = await run(system, {
      truth,
      onSent: (sent) => progress.update(sent),
      signal: stop.signal,
      abandon: abandon.signal,
    });
    progress.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    const { accepted, rejected, through } = result;
    if (json) terminal.json({ accepted, rejected, seconds, through });
    else {
      const total = formatCount(accepted + rejected);
      terminal.talk(
        `${total} events through ${through} in ${seconds.toFixed(1)} s: ${formatCount(accepted)} accepted, ${formatCount(rejected)} rejected.`,
      );
    }
    return stop.signal.aborted ? exitCodes.interrupted : exitCodes.ok;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    terminal.warn('Stopped before the end; what was sent last may or may not have arrived.');
    return exitCodes.interrupted;
  } finally {
    progress.stop();
    truth?.close();
    stopListening();
    await lifecycle.stop();
  }
}

/** It waits as long as it takes, but not in silence. */
function sayWaiting({ terminal }: SystemContext): (reason: string) => void {
  return (reason) => terminal.warn(`Waiting for the collector (Ctrl-C stops). ${reason}`);
}

/** The same request makes the same records, so that the truth about what another process wrote can be told here. */
function noteWhole(truth: TruthWriter | undefined, request: BackFillRequest): void {
  if (truth === undefined) return;
  for (const record of createSimulation(backFillSimulation(request)))
    truth.delivered([record], { resent: [] });
}

async function findCollector(
  system: SystemContext,
): Promise<{ url: string; key: string; startedHere: boolean }> {
  const running = await readLockOwner(system.paths.collectorLock);
  if (running?.url != null) return { url: running.url, key: await readServerKey(system), startedHere: false };
  const key = generateWriteKey({ name: 'produce', kind: 'server', sourceId: 'simulator' });
  const keys = createKeyStore([key]);
  const { url } = await startTemporaryCollector(system, await startLogWriter(system), keys);
  return { url, key: key.key, startedHere: true };
}

async function readServerKey({ paths }: SystemContext): Promise<string> {
  return serverKeyOf((await openKeyStore(paths.writeKeys)).list());
}

import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { createBodyMemory } from './body-memory.ts';
import { CollectorError } from './collector-error.ts';
import { parseOptions, urlHost, type CollectorOptions, type CollectorSettings } from './collector-options.ts';
import { createCounters, type CollectorSnapshot } from './counters.ts';
import { createEnricher } from './enrichment.ts';
import { registerEventsRoute } from './events-route.ts';
import { createHttpServer } from './http-server.ts';
import { createJudgeOne } from './judging/judge-here.ts';
import { startJudgeThread } from './judging/judge-in-thread.ts';
import { createJudgeUnderLoad } from './judging/judge-under-load.ts';
import { Refusal } from './refusal.ts';
import { createEventStore } from './store-events.ts';
import { createReplayStore, serverSources } from './replay/replay-store.ts';
import { registerReplaysRoute } from './replay/replays-route.ts';
import { createTurns } from './turns.ts';

export interface Collector {
  /**
   * Listens. Idempotent.
   *
   * @throws CollectorError `collector-port-in-use`, `collector-stopped`.
   */
  start(): Promise<CollectorAddress>;
  /**
   * Takes no more requests, finishes those in flight (cutting them off after `stopGraceMs`), closes every
   * connection. Idempotent. The log writer stays open: it is its owner's.
   */
  stop(): Promise<void>;
  snapshot(): CollectorSnapshot;
}

export interface CollectorAddress {
  /** `http://127.0.0.1:8085` */
  readonly url: string;
}

/** About 100 events, some tenths of a millisecond. */
const bytesPerTurn = 64 * 1024;

/** @throws CollectorError `collector-host-not-loopback`, `collector-option-invalid`. */
export function createCollector(options: CollectorOptions): Collector {
  const settings = parseOptions(options);
  const counters = createCounters();
  const memory = createBodyMemory(settings.limits.maxInFlightBytes);
  const { contract, onFailure } = settings;
  const maxEvents = settings.limits.maxEventsPerRequest;
  const judgeOne = createJudgeOne(contract, maxEvents);
  const judge = createJudgeUnderLoad({
    judgeOne,
    startThread: () => startJudgeThread({ contract, maxEvents, judgeOne }),
    onFailure,
    policy: settings.judging,
  });
  const store = createEventStore({ settings, counters, judge, judgeOne });
  const turns = createTurns(bytesPerTurn);
  const replays = createReplayStore({
    writer: settings.writer,
    judge: {
      contract: settings.contract,
      enrich: createEnricher(),
      truncateIp: settings.truncateIp,
      trustsBodyIp: serverSources(settings.keys),
    },
    now: settings.now,
    crashPoints: settings.crashPoints,
  });
  const drain = createDrain();
  let started: Promise<{ app: FastifyInstance; address: CollectorAddress }> | undefined;
  let stopped: Promise<void> | undefined;

  async function listen(): Promise<{ app: FastifyInstance; address: CollectorAddress }> {
    const app = await createHttpServer(settings, counters);
    drain.attach(app);
    registerEventsRoute(app, { settings, store, judge, memory, counters, turns });
    registerReplaysRoute(app, { settings, store: replays, memory, counters });
    try {
      await app.listen({ host: settings.host, port: settings.port });
    } catch (error) {
      await app.close();
      throw listenError(error, settings);
    }
    const { port } = app.server.address() as AddressInfo;
    return { app, address: { url: `http://${urlHost(settings.host)}:${port}` } };
  }

  async function close(): Promise<void> {
    const running = await started?.catch(() => undefined);
    if (running === undefined) return;
    await drain.close(running.app, settings.limits.stopGraceMs);
    await judge.close();
  }

  return {
    async start() {
      if (stopped !== undefined) {
        throw new CollectorError({
          code: 'collector-stopped',
          message: 'This collector was stopped.',
          hint: 'Create a new one.',
        });
      }
      started ??= listen();
      return (await started).address;
    },
    stop: () => (stopped ??= close()),
    snapshot: () => counters.snapshot({ inFlightBytes: memory.held(), judgingThread: judge.hasThread() }),
  };
}

interface Drain {
  attach(app: FastifyInstance): void;
  /** Waits for the requests in flight, then closes what is left of the connections. */
  close(app: FastifyInstance, graceMs: number): Promise<void>;
}

function createDrain(): Drain {
  let stopping = false;
  let inFlight = 0;
  const drained = Promise.withResolvers<undefined>();
  const noteDrained = (): void => {
    if (stopping && inFlight === 0) drained.resolve(undefined);
  };
  return {
    attach(app) {
      app.server.on('connection', (socket) => {
        if (stopping) socket.destroy();
      });
      app.server.on('request', (_request, response) => {
        inFlight += 1;
        response.once('close', () => {
          inFlight -= 1;
          noteDrained();
        });
      });
      app.addHook('onRequest', (_request, _reply, done) => {
        if (stopping) throw stoppingRefusal();
        done();
      });
      app.addHook('onSend', (_request, reply, payload, done) => {
        if (stopping) void reply.header('connection', 'close');
        done(null, payload);
      });
    },
    async close(app, graceMs) {
      stopping = true;
      noteDrained();
      const closed = app.close();
      const grace = new AbortController();
      await Promise.race([
        drained.promise,
        delay(graceMs, undefined, { signal: grace.signal }).catch(() => undefined),
      ]);
      grace.abort();
      // What is left has sent no whole request: idle, preconnected by a browser, or out of time.
      app.server.closeAllConnections();
      await closed;
    },
  };
}

function stoppingRefusal(): Refusal {
  return new Refusal({
    code: 'collector-stopping',
    message: 'The collector is shutting down; nothing of this request was stored.',
    hint: 'Send it again after the time in Retry-After.',
    retryAfterSeconds: 2,
  });
}

function listenError(error: unknown, { host, port }: CollectorSettings): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) return error;
  return new CollectorError({
    code: 'collector-port-in-use',
    message: `Another program already listens on ${urlHost(host)}:${port}.`,
    hint: 'Stop it, or choose another port with CLICKLAKE_COLLECTOR_PORT.',
    details: { host, port },
    cause: error,
  });
}

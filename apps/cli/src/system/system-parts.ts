import { createCollector, openKeyStore, type Collector, type KeyStore } from '@clicklake/collector';
import { createContract, type Contract } from '@clicklake/contract';
import { localStore } from '@clicklake/delta-lake';
import { acquireLock, nodeFileSystem } from '@clicklake/durable-files';
import { openEmbeddedLog, type EventLog, type LogWriter } from '@clicklake/event-log';
import { isClicklakeError } from '@clicklake/errors';
import {
  defaultIngestSettings,
  defaultJobsSettings,
  defaultMaintenanceSettings,
  openLakeOwner,
  webhookDefaults,
  type OwnedLake,
} from '@clicklake/pipeline';
import { openQueryEngine, type QueryEngine } from '@clicklake/query';
import {
  createCredentials,
  createLiveFeed,
  createLocalAdmin,
  createServer,
  vitalsOf,
  type Credentials,
  type LocalParts,
} from '@clicklake/server';
import { largestCommitBytes } from '../config/settings.ts';
import type { CommandContext } from '../context.ts';
import { ensureApiToken } from '../lake/api-token.ts';
import { version } from '../version.ts';
import {
  crashPointsOf,
  ingestSettingsOf,
  jobsSettingsOf,
  maintenanceSettingsOf,
  lakeMemoryMb,
  logOptions,
  queryOptions,
} from './component-settings.ts';
import { createFailureTalk, type FailureTalk } from './failure-talk.ts';
import { startLogKeeper } from './log-keeper.ts';
import type { Lifecycle } from './lifecycle.ts';
import { startKeyWatch } from './key-watch.ts';
import { startPressureGauge } from './pressure-gauge.ts';
import { removeAbandonedQueryScratch } from './query-scratch.ts';

/** What the parts of one process share. */
export interface SystemContext extends CommandContext {
  /** What the process is to whoever finds something owned: `up`, `collect`, `ingest`. */
  readonly role: string;
  readonly lifecycle: Lifecycle;
  /** Ends the process: what runs on would only pretend to. */
  readonly onFatal: (error: unknown) => void;
}

export function contractOf({ config }: CommandContext): Contract {
  return createContract({ maxEventAgeDays: config['contract.max_event_age_days'] });
}

export interface WrittenLog {
  readonly log: EventLog;
  readonly writer: LogWriter;
}

export function openLog({ config, paths, effects, role }: SystemContext): EventLog {
  return openEmbeddedLog(logOptions(config, paths, crashPointsOf(effects.env), role));
}

/** @throws EventLogError `log-locked` */
export async function startLogWriter(system: SystemContext): Promise<WrittenLog> {
  const log = openLog(system);
  const writer = await log.openWriter();
  system.lifecycle.add('event log', () => writer.close());
  return { log, writer };
}

export interface StartedCollector {
  readonly collector: Collector;
  readonly url: string;
  readonly keys: KeyStore;
}

/**
 * The collector, what it needs to know of the log's state, and the lock by which commands find it.
 *
 * @param retention who keeps the log's limits: a job of this process, or, where there are no jobs, this.
 */
export async function startCollector(
  system: SystemContext,
  { log, writer }: WrittenLog,
  retention: 'here' | 'job',
): Promise<StartedCollector> {
  const { config, paths, effects, lifecycle, role } = system;
  const lock = await acquireLock(paths.collectorLock, role, `the collector of ${paths.home}`);
  lifecycle.add('collector lock', () => lock.release());
  const keys = await openKeyStore(paths.writeKeys);
  const reader = await log.openReader();
  lifecycle.add('log reader', () => reader.close());
  const gauge = startPressureGauge(reader, paths.log);
  lifecycle.add('pressure gauge', () => gauge.stop());
  const failures = failureTalkOf(system);
  const watch = startKeyWatch(keys, (error) =>
    failures.tell('The write keys could not be read again', error),
  );
  lifecycle.add('key watch', () => watch.stop());
  if (retention === 'here') {
    const keeper = startLogKeeper(writer, reader, (error) =>
      failures.tell('The log’s retention failed', error),
    );
    lifecycle.add('log keeper', () => keeper.stop());
  }
  const collector = createCollector({
    contract: contractOf(system),
    writer,
    keys,
    host: config['collector.host'],
    port: config['collector.port'],
    allowNonLoopback: config['server.allow_non_loopback'],
    allowedHosts: config['server.allowed_hosts'],
    trustedProxies: config['collector.trusted_proxies'],
    truncateIp: config['collector.truncate_ip'],
    limits: { maxLagRecords: config['collector.max_lag_records'], minDiskFreeBytes: config['log.min_free'] },
    replayKey: await ensureApiToken(paths.replayKey),
    crashPoints: crashPointsOf(effects.env),
    pressure: () => gauge.read(),
    now: effects.now,
    onFailure(error) {
      if (isClicklakeError(error) && error.code === 'log-writer-failed') system.onFatal(error);
      else failures.tell('The collector failed on a request', error);
    },
  });
  lifecycle.add('collector', () => collector.stop());
  const { url } = await collector.start();
  await lock.describe({ url });
  return { collector, url, keys };
}

/** A collector on a free port for one command, which has the log for itself. */
export async function startTemporaryCollector(
  system: SystemContext,
  { writer }: WrittenLog,
  keys: KeyStore,
): Promise<{ readonly url: string }> {
  const { config, effects, lifecycle } = system;
  const collector = createCollector({
    contract: contractOf(system),
    writer,
    keys,
    port: 0,
    truncateIp: config['collector.truncate_ip'],
    now: effects.now,
  });
  lifecycle.add('collector', () => collector.stop());
  return collector.start();
}

export interface StartedLake extends OwnedLake {
  readonly engine: QueryEngine;
}

/**
 * Takes the lake's lease and opens it, with the engine that shows its tail.
 *
 * @param logWriter of this process: the retention job then keeps the log's limits.
 * @throws DurableFilesError `files-lock-held`
 */
export async function openLake(
  system: SystemContext,
  log: EventLog,
  logWriter?: LogWriter,
): Promise<StartedLake> {
  const { config, paths, effects, lifecycle, role, terminal } = system;
  if (config['ingest.commit_size'] > largestCommitBytes)
    terminal.warn(
      'ingest.commit_size: tails are committed at 25 MB all the same; more would not fit into memory.',
    );
  await removeAbandonedQueryScratch(paths.scratch);
  const engine = await openQueryEngine(queryOptions(config, paths));
  lifecycle.add('query engine', () => engine.close());
  const lake = await openLakeOwner({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: crashPointsOf(effects.env),
    log,
    contract: contractOf(system),
    settings: ingestSettingsOf(config, defaultIngestSettings),
    maintenance: maintenanceSettingsOf(config, defaultMaintenanceSettings),
    jobs: jobsSettingsOf(config, defaultJobsSettings, webhookDefaults),
    ...(logWriter !== undefined && { logWriter }),
    queryEngine: engine,
    clock: effects.now,
    role,
    memoryLimitMb: lakeMemoryMb,
  });
  lifecycle.add('lake', () => lake.owner.close());
  return { ...lake, engine };
}

export interface StartedServer {
  readonly url: string;
  readonly credentials: Credentials;
  /** From now on `GET /api/status` says that everything serves. */
  readonly markReady: () => void;
}

/** The admin API and page over the parts of this process; the lease's record tells commands its address. */
export async function startServer(
  system: SystemContext,
  { owner, lease, engine }: StartedLake,
  parts: Pick<LocalParts, 'logWriter' | 'backFill' | 'replays' | 'collector'> & {
    readonly collectorUrl: string | null;
  },
): Promise<StartedServer> {
  const { config, paths, effects, lifecycle, role } = system;
  const { collectorUrl, ...localParts } = parts;
  const local = {
    ...localParts,
    lake: owner,
    owner,
    jobs: null,
    engine,
    process: { version, role, home: paths.home, collectorUrl, startedAt: effects.now(), now: effects.now },
  };
  const admin = createLocalAdmin(local);
  const credentials = createCredentials(await ensureApiToken(paths.apiToken), effects.now);
  const live = createLiveFeed({
    vitals: () => vitalsOf(local),
    ledger: (options) => admin.ledger(options),
    now: effects.now,
  });
  const failures = failureTalkOf(system);
  let ready = false;
  const server = createServer({
    host: config['server.host'],
    port: config['server.port'],
    allowNonLoopback: config['server.allow_non_loopback'],
    allowedHosts: config['server.allowed_hosts'],
    admin,
    credentials,
    live,
    version,
    isReady: () => ready,
    onFailure: (error) => failures.tell('The server failed on a request', error),
  });
  const { url } = await server.start();
  lifecycle.add('server', async () => {
    ready = false;
    // Commands that come while the tail is committed wait for the lease instead of an API that is gone. A courtesy:
    // on a full disk it fails, and the server has to stop all the same.
    await lease.describe({ url: null }).catch(() => undefined);
    live.close();
    await server.stop();
  });
  await lease.describe({ url });
  return {
    url,
    credentials,
    markReady() {
      ready = true;
    },
  };
}

function failureTalkOf({ terminal, effects }: SystemContext): FailureTalk {
  return createFailureTalk((line) => terminal.warn(line), effects.now);
}

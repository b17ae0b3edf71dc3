import { localStore } from '@clicklake/delta-lake';
import { nodeFileSystem, readLockOwner } from '@clicklake/durable-files';
import { createContract } from '@clicklake/contract';
import { openEmbeddedLog, type EventLog, type LogReader, type LogWriter } from '@clicklake/event-log';
import {
  defaultIngestSettings,
  defaultJobsSettings,
  defaultMaintenanceSettings,
  openLakeOwner,
  openLakeReader,
  readJobs,
  webhookDefaults,
  type LakeOwner,
  type LakeReader,
} from '@clicklake/pipeline';
import { openQueryEngine, type QueryEngine } from '@clicklake/query';
import { createLocalAdmin, type LakeAdmin } from '@clicklake/server';
import type { CommandContext } from '../context.ts';
import {
  crashPointsOf,
  ingestSettingsOf,
  jobsSettingsOf,
  maintenanceSettingsOf,
  lakeMemoryMb,
  logOptions,
  queryOptions,
} from '../system/component-settings.ts';
import { openReplayAppender } from '../replay/replay-appender.ts';
import { version } from '../version.ts';
import { noLake, openAbsentLake, openEmptyLake } from './absent-lake.ts';

/** A lake opened by a command that found no owner to ask (S6.1, S6.3). */
export interface OpenedLake {
  readonly admin: LakeAdmin;
  readonly lake: LakeReader;
  close(): Promise<void>;
}

/** Reads the committed tables and the log; takes no lease. */
export async function openForReading(context: CommandContext): Promise<OpenedLake> {
  const log = logOf(context, 'reader');
  // Looking at a home that does not exist must not make one.
  if (!(await exists(context.paths.log))) return opened(context, openEmptyLake(context.paths.home), null);
  const lake = (await openReader(context, log)) ?? (await openAbsentLake(log, context.paths.home));
  return opened(context, lake, null);
}

/**
 * Takes the lake's lease for one command.
 *
 * @throws CliError `cli-no-lake` when there is nothing that could become one.
 * @throws DurableFilesError `files-lock-held` when another process took it meanwhile.
 */
export async function openForWriting(context: CommandContext, role: string): Promise<OpenedLake> {
  const { config, paths, effects } = context;
  if (!(await exists(paths.log)) && !(await exists(paths.lake))) throw noLake(paths.home);
  const log = logOf(context, role);
  const { owner } = await openLakeOwner({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: crashPointsOf(effects.env),
    log,
    contract: createContract({ maxEventAgeDays: config['contract.max_event_age_days'] }),
    settings: ingestSettingsOf(config, defaultIngestSettings),
    maintenance: maintenanceSettingsOf(config, defaultMaintenanceSettings),
    jobs: jobsSettingsOf(config, defaultJobsSettings, webhookDefaults),
    queryEngine: null,
    clock: effects.now,
    role,
    memoryLimitMb: lakeMemoryMb,
  });
  return opened(context, owner, owner);
}

/** The log, for a command that looks at records. @throws CliError `cli-no-lake` */
export async function openReadOnlyLog(context: CommandContext): Promise<LogReader> {
  if (!(await exists(context.paths.log))) throw noLake(context.paths.home);
  return logOf(context, 'reader').openReader();
}

/** Writes the log for the time of one command. @throws EventLogError `log-locked` */
export async function withLogWriter<T>(
  context: CommandContext,
  role: string,
  use: (writer: LogWriter) => Promise<T>,
): Promise<T> {
  const writer = await logOf(context, role).openWriter();
  try {
    return await use(writer);
  } finally {
    await writer.close();
  }
}

function logOf({ config, paths, effects }: CommandContext, role: string): EventLog {
  return openEmbeddedLog(logOptions(config, paths, crashPointsOf(effects.env), role));
}

function openReader({ paths, effects }: CommandContext, log: EventLog): Promise<LakeReader | undefined> {
  return openLakeReader({
    paths,
    files: nodeFileSystem,
    openStore: localStore,
    crashPoints: crashPointsOf(effects.env),
    log,
    clock: effects.now,
    memoryLimitMb: lakeMemoryMb,
  });
}

async function exists(path: string): Promise<boolean> {
  return (await nodeFileSystem.stat(path)) !== undefined;
}

function opened(context: CommandContext, lake: LakeReader, owner: LakeOwner | null): OpenedLake {
  const { config, paths, effects } = context;
  // Few commands ask SQL: the engine opens with the first that does.
  let engine: Promise<QueryEngine> | undefined;
  const admin = createLocalAdmin({
    lake,
    owner,
    jobs: readJobs({
      paths,
      files: nodeFileSystem,
      settings: jobsSettingsOf(config, defaultJobsSettings, webhookDefaults),
      hasOwner: async () => (await readLockOwner(paths.ingestLock)) !== undefined,
    }),
    engine: {
      async run(sql, pin, options) {
        engine ??= openQueryEngine(queryOptions(config, paths));
        return (await engine).run(sql, pin, options);
      },
    },
    logWriter: null,
    backFill: null,
    replays: () => openReplayAppender(context),
    collector: null,
    process: {
      version,
      role: 'command',
      home: paths.home,
      collectorUrl: null,
      startedAt: effects.now(),
      now: effects.now,
    },
  });
  return {
    admin,
    lake,
    async close() {
      await (await engine)?.close();
      await lake.close();
    },
  };
}

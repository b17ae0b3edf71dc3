import {
  createEnricher,
  createReplayStore,
  judgeReplay,
  openKeyStore,
  serverSources,
  type KeyStore,
  type ReplayJudge,
  type ReplayStore,
} from '@clicklake/collector';
import { createContract } from '@clicklake/contract';
import { nodeFileSystem, readLockOwner } from '@clicklake/durable-files';
import { openEmbeddedLog, type LogWriter } from '@clicklake/event-log';
import type { ReplayAppender } from '@clicklake/pipeline';
import type { CommandContext } from '../context.ts';
import { readApiToken } from '../lake/api-token.ts';
import { crashPointsOf, logOptions } from '../system/component-settings.ts';
import { collectorReplays } from './collector-replays.ts';

/** Replays into a log that this process writes; closing it leaves the writer open. */
export function replayAppender(context: CommandContext, writer: LogWriter, keys: KeyStore): ReplayAppender {
  const judge = judgeOf(context, keys);
  const store = storeOf(context, writer, judge);
  return {
    judge: judging(context, judge),
    append: (replays) => store.append(replays),
    close: () => Promise.resolve(),
  };
}

/**
 * Replays from a process that does not write the log: through the collector that runs, or else as the log's writer
 * until it is closed (S6.3). Nothing is opened before the first append, so that a dry run needs neither.
 *
 * @throws EventLogError `log-locked` at that append, when the writer is no collector that can be asked
 */
export async function openReplayAppender(context: CommandContext): Promise<ReplayAppender> {
  const { config, paths, effects } = context;
  // Opening the store would make the keys of a home that has none.
  const hasKeys = (await nodeFileSystem.stat(paths.writeKeys)) !== undefined;
  const judge = judgeOf(context, hasKeys ? await openKeyStore(paths.writeKeys) : { list: () => [] });
  const opened = new AsyncDisposableStack();
  let target: Promise<ReplayStore> | undefined;

  async function open(): Promise<ReplayStore> {
    const collector = await readLockOwner(paths.collectorLock);
    if (collector?.url != null) return collectorReplays(collector.url, await readApiToken(paths.replayKey));
    const log = openEmbeddedLog(logOptions(config, paths, crashPointsOf(effects.env), 'replay'));
    const writer = opened.adopt(await log.openWriter(), (own) => own.close());
    return storeOf(context, writer, judge);
  }

  return {
    judge: judging(context, judge),
    append: async (replays) => (await (target ??= open())).append(replays),
    close: () => opened.disposeAsync(),
  };
}

function judgeOf({ config }: CommandContext, keys: Pick<KeyStore, 'list'>): ReplayJudge {
  return {
    contract: createContract({ maxEventAgeDays: config['contract.max_event_age_days'] }),
    enrich: createEnricher(),
    truncateIp: config['collector.truncate_ip'],
    trustsBodyIp: serverSources(keys),
  };
}

function judging({ effects }: CommandContext, judge: ReplayJudge): ReplayAppender['judge'] {
  return (replay) => judgeReplay(replay, judge, effects.now());
}

function storeOf({ effects }: CommandContext, writer: LogWriter, judge: ReplayJudge): ReplayStore {
  return createReplayStore({ writer, judge, now: effects.now, crashPoints: crashPointsOf(effects.env) });
}

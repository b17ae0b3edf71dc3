import { createEnricher, createReplayStore, judgeReplay, type ReplayJudge } from '@clicklake/collector';
import { createContract, type Replay } from '@clicklake/contract';
import { noCrashPoints, type CrashPoints } from '@clicklake/durable-files';
import type { NewRecord } from '@clicklake/event-log';
import {
  replayDeadLetters,
  type LakeReader,
  type ReplayAppender,
  type ReplayedLetter,
  type ReplayRequest,
  type ReplayResult,
} from '@clicklake/pipeline';
import type { TestLake } from './test-lake.ts';

const judge: ReplayJudge = {
  contract: createContract(),
  enrich: createEnricher(),
  truncateIp: false,
  trustsBodyIp: () => false,
};

/** Replays into a lake's log with the collector's own store, through a writer of its own for each append. */
export function lakeAppender(
  lake: TestLake,
  { now = Date.now, crashPoints = noCrashPoints }: { now?: () => number; crashPoints?: CrashPoints } = {},
): ReplayAppender {
  return {
    judge: (replay) => judgeReplay(replay, judge, now()),
    async append(replays) {
      const writer = await lake.log({ crashPoints }).openWriter();
      try {
        return await createReplayStore({ writer, judge, now, crashPoints }).append(replays);
      } finally {
        await writer.close();
      }
    },
    close: () => Promise.resolve(),
  };
}

export interface Replayed extends ReplayResult {
  readonly letters: readonly ReplayedLetter[];
}

/** Replays as the command does; every dead letter unless the request says otherwise. */
export async function replayAll(
  lake: LakeReader,
  appender: ReplayAppender,
  request: Partial<ReplayRequest> = {},
): Promise<Replayed> {
  const letters: ReplayedLetter[] = [];
  const result = await replayDeadLetters(
    { lake, appender },
    { select: { filter: {}, limit: 1_000 }, changes: [], dryRun: false, onlyValid: false, ...request },
    { onLetter: (letter) => void letters.push(letter), onProgress: () => undefined },
  );
  return { ...result, letters };
}

/** A record as a replay appends it, for tests that put it into the log themselves. */
export function replayed(of: string, eventId: string, receivedAt: number, userId = 'ada'): NewRecord {
  const replay: Replay = {
    origin: { of, eventId, receivedAt: receivedAt - 1_000, form: 'event', settled: false },
    sourceId: 'test',
    event: JSON.stringify({ event_type: 'page_view', user_id: userId }),
  };
  const verdict = judgeReplay(replay, judge, receivedAt);
  if (!verdict.ok) throw new Error(verdict.message);
  const { key, value } = verdict;
  return {
    topic: 'clickstream-events',
    key,
    value,
    timestamp: receivedAt,
    judgedBy: judge.contract.fingerprint,
  };
}

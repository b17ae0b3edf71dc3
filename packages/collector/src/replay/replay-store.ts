import type { Prepared, Replay, ReplayOutcome } from '@clicklake/contract';
import type { CrashPoints } from '@clicklake/durable-files';
import type { LogWriter, RecordPosition } from '@clicklake/event-log';
import type { KeyStore } from '../key-store.ts';
import { createReceivedAt } from '../received-at.ts';
import { judgeReplay, replayRecord, type ReplayJudge } from './replay.ts';

/** Puts replays into the log: the process that writes the log has one. */
export interface ReplayStore {
  /**
   * Makes every replay a durable record, those that are rejected again included, and says in the same order what
   * became of each.
   *
   * @throws EventLogError as `LogWriter.append`: then some may have been written all the same, and appending all of
   *   them again is safe (S8).
   */
  append(replays: readonly Replay[]): Promise<readonly ReplayOutcome[]>;
}

export interface ReplayStoreOptions {
  readonly writer: LogWriter;
  readonly judge: ReplayJudge;
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number;
  readonly crashPoints: CrashPoints;
}

export function createReplayStore({ writer, judge, now, crashPoints }: ReplayStoreOptions): ReplayStore {
  const stampReceivedAt = createReceivedAt(now, () => writer.lastTimestamp());
  return {
    async append(replays) {
      if (replays.length === 0) return [];
      // From the stamp to the append there is no await: received_at must not decrease within a partition (S1.5).
      const receivedAt = stampReceivedAt();
      const judged = replays.map((replay) => ({ replay, verdict: judgeReplay(replay, judge, receivedAt) }));
      const records = judged.map(({ replay, verdict }) => replayRecord(replay, verdict, judge, receivedAt));
      crashPoints.reach('replay-before-append');
      const positions = await writer.append(records);
      crashPoints.reach('replay-after-append');
      return positions.flatMap((position, index) => {
        const verdict = judged[index]?.verdict;
        return verdict === undefined ? [] : [outcomeOf(verdict, position)];
      });
    },
  };
}

function outcomeOf(verdict: Prepared, position: RecordPosition): ReplayOutcome {
  const place = { partition: position.partition, offset: Number(position.offset) };
  if (verdict.ok) return { status: 'accepted', event_id: verdict.eventId, ...place };
  const { eventId, field, reason, message } = verdict;
  return { status: 'rejected', event_id: eventId, field, reason, message, ...place };
}

/** A source whose keys are all a server's: its events' `ip_address` counted when they were sent (S1.4). */
export function serverSources(keys: Pick<KeyStore, 'list'>): ReplayJudge['trustsBodyIp'] {
  return (sourceId) => {
    const own = keys.list().filter((key) => key.sourceId === sourceId);
    return own.length > 0 && own.every(({ kind }) => kind === 'server');
  };
}

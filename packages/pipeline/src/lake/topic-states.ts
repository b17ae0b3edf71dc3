import type { LogReader, OffsetRange } from '@clicklake/event-log';
import type { ReadPositions } from '../ingest/intake.ts';
import type { TopicState } from '../lake-service.ts';

/** The log's partitions with what is still to be committed of each. Numbers as JSON carries them. */
export async function topicStates(log: LogReader, committed: ReadPositions): Promise<readonly TopicState[]> {
  const states = await log.describe();
  return Promise.all(
    states.map(async (state): Promise<TopicState> => {
      const next =
        state.topic === 'clickstream-errors' ? committed.errors : (committed.events[state.partition] ?? 0n);
      const lag = next >= state.endOffset ? 0n : await log.count(state.topic, state.partition, next);
      return {
        ...state,
        startOffset: Number(state.startOffset),
        endOffset: Number(state.endOffset),
        appended: Number(state.appended),
        committedOffset: Number(next),
        lag: Number(lag),
        corrupt: state.corrupt.map(rangeAsNumbers),
        skipped: state.skipped.map(rangeAsNumbers),
      };
    }),
  );
}

function rangeAsNumbers({ from, to }: OffsetRange): { readonly from: number; readonly to: number } {
  return { from: Number(from), to: Number(to) };
}

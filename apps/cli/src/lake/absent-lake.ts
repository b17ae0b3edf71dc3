import type { EventLog, LogReader } from '@clicklake/event-log';
import type { LakeReader, TopicState } from '@clicklake/pipeline';
import { CliError } from '../cli-error.ts';

/** A lake that no ingest has made yet: nothing is committed, and whatever the log holds is in flight. */
export async function openAbsentLake(log: EventLog, home: string): Promise<LakeReader> {
  const reader = await log.openReader();
  const uncommitted = async (): Promise<number> =>
    (await countPartitions(reader)).reduce((sum, { lag }) => sum + lag, 0);
  return {
    pin: () => Promise.reject(noLake(home)),
    async ledger() {
      const states = await countPartitions(reader);
      const appended = states.reduce((sum, state) => sum + state.appended, 0);
      const inFlight = states.reduce((sum, { lag }) => sum + lag, 0);
      const unreadable = states.reduce(
        (sum, { skipped }) => sum + skipped.reduce((gone, { from, to }) => gone + to - from, 0),
        0,
      );
      const difference = appended - inFlight - unreadable;
      return {
        appended,
        silver: 0,
        dead_letters: 0,
        duplicates: 0,
        in_flight: inFlight,
        unreadable,
        removed: 0,
        balanced: difference === 0,
        difference,
      };
    },
    tables: () => Promise.resolve([]),
    history: () => Promise.reject(noLake(home)),
    topics: () => countPartitions(reader),
    deadLetters: () => Promise.resolve([]),
    deadLetter: () => Promise.resolve(undefined),
    uncommitted,
    close: () => reader.close(),
  };
}

async function countPartitions(reader: LogReader): Promise<TopicState[]> {
  const states = await reader.describe();
  return Promise.all(
    states.map(async ({ topic, partition, startOffset, endOffset, appended, corrupt, skipped, ...rest }) => ({
      ...rest,
      topic,
      partition,
      startOffset: Number(startOffset),
      endOffset: Number(endOffset),
      appended: Number(appended),
      committedOffset: Number(startOffset),
      lag: Number(await reader.count(topic, partition, startOffset)),
      corrupt: corrupt.map(asNumbers),
      skipped: skipped.map(asNumbers),
    })),
  );
}

function asNumbers({ from, to }: { readonly from: bigint; readonly to: bigint }): {
  from: number;
  to: number;
} {
  return { from: Number(from), to: Number(to) };
}

function noLake(home: string): CliError {
  return new CliError({
    code: 'cli-no-lake',
    message: `There are no tables in ${home} yet.`,
    hint: 'Start with `npx clicklake up`, or `clicklake ingest --until-caught-up` when events were collected already.',
    details: { home },
  });
}

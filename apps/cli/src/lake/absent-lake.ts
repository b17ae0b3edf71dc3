import type { EventLog, LogReader } from '@clicklake/event-log';
import {
  traceLog,
  type DeadLetterPlace,
  type DeadLetterSelection,
  type LakeReader,
  type Ledger,
  type TopicState,
} from '@clicklake/pipeline';
import { CliError } from '../cli-error.ts';

/** A lake that no ingest has made yet: nothing is committed, and whatever the log holds is in flight. */
export async function openAbsentLake(log: EventLog, home: string): Promise<LakeReader> {
  const reader = await log.openReader();
  return absentLake(
    home,
    () => countPartitions(reader),
    (eventId) => traceLog(reader, eventId),
    () => reader.close(),
  );
}

/** A home with neither lake nor log. */
export function openEmptyLake(home: string): LakeReader {
  return absentLake(
    home,
    () => Promise.resolve([]),
    () => Promise.reject(noLake(home)),
    () => Promise.resolve(),
  );
}

function absentLake(
  home: string,
  topics: () => Promise<TopicState[]>,
  trace: LakeReader['trace'],
  close: () => Promise<void>,
): LakeReader {
  const refuse = (): Promise<never> => Promise.reject(noLake(home));
  return {
    pin: refuse,
    history: refuse,
    topics,
    trace,
    close,
    ledger: async () => ledgerOf(await topics()),
    uncommitted: async () => ledgerOf(await topics()).in_flight,
    tables: () => Promise.resolve([]),
    failingTests: () => Promise.resolve([]),
    deadLetters: () => Promise.resolve([]),
    deadLetterGroups: () => Promise.resolve([]),
    selectDeadLetters: (select) => Promise.resolve(nowhere('places' in select ? select.places : [])),
    deadLetter: () => Promise.resolve(undefined),
  };
}

/** Each place that somebody names has no dead letter. */
function nowhere(named: readonly DeadLetterPlace[]): DeadLetterSelection {
  return {
    places: named.map((place) => ({ ...place, bytes: 0 })),
    async *batches() {
      yield await Promise.resolve(named.map((place) => ({ place, row: null, root: null })));
    },
    failedReplays: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function ledgerOf(topics: readonly TopicState[]): Ledger {
  const appended = sum(topics.map((state) => state.appended));
  const inFlight = sum(topics.map(({ lag }) => lag));
  const unreadable = sum(topics.flatMap(({ skipped }) => skipped.map(({ from, to }) => to - from)));
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
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
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

/** What to say when there is nothing to read. */
export function noLake(home: string): CliError {
  return new CliError({
    code: 'cli-no-lake',
    message: `There are no tables in ${home} yet.`,
    hint: 'Start with `npx clicklake up`, or `clicklake ingest --until-caught-up` when events were collected already.',
    details: { home },
  });
}

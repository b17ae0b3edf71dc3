import { topicPartitions, type Topic } from '@clicklake/event-log';
import type { ReadPositions } from './intake.ts';

/** A table's `txn` versions, appId to version (Delta PROTOCOL, "Transaction Identifiers"). */
export type Transactions = ReadonlyMap<string, bigint>;

/** The `txn` of a log partition; its version is the next offset: everything below is in the table (S4.1). */
export function partitionAppId(topic: Topic, partition: number): string {
  return `clicklake-${topic}-${partition}`;
}

/** Counters of the ledger that must move in the same commit as the rows: Silver's `txn`s keep them (S4.2). */
export const unreadableAppId = 'clicklake-ledger-unreadable';
export const removedAppId = 'clicklake-ledger-removed';
/** The newest booking of which rows those were. */
export const removalsAppId = 'clicklake-ledger-removals';

/** In Silver's commits: the version of duplicates that goes with it, for a restore to take along (S4.3). */
export const duplicatesVersionAppId = 'clicklake-duplicates-version';
/** In both tables: how many restores there have been, each of which duplicates follow after Silver. */
export const restoresAppId = 'clicklake-restores';

/** Next offset per partition of a topic; 0 where the table has none yet. */
export function coveredOffsets(transactions: Transactions, topic: Topic): readonly bigint[] {
  return Array.from(
    { length: topicPartitions[topic] },
    (_, partition) => transactions.get(partitionAppId(topic, partition)) ?? 0n,
  );
}

export function coveredPositions(transactions: Transactions): ReadPositions {
  return {
    events: coveredOffsets(transactions, 'clickstream-events'),
    errors: coveredOffsets(transactions, 'clickstream-errors')[0] ?? 0n,
  };
}

import type { LogEntry, PartitionValues } from './actions.ts';
import { DeltaError, type DeltaErrorCode } from '../delta-error.ts';
import { isInPartitions } from '../data-files/partition-values.ts';

/**
 * Which rows a commit's content depends on. A file that somebody else adds there in the meantime would have
 * changed what we commit.
 */
export type ReadScope =
  /** Nothing: an append of rows that came from elsewhere. */
  | { readonly kind: 'nothing' }
  /** Only the files that it removes: OPTIMIZE, whose result stays right when others append. */
  | { readonly kind: 'removed-files' }
  /** Every file of these partitions: replaceWhere. */
  | { readonly kind: 'partitions'; readonly partitions: readonly PartitionValues[] }
  /** Everything: RESTORE. */
  | { readonly kind: 'table' };

/** What of a commit others can collide with. */
export interface CommitFootprint {
  readonly reads: ReadScope;
  readonly removedPaths: ReadonlySet<string>;
  readonly appIds: ReadonlySet<string>;
  readonly changesMetadata: boolean;
}

/**
 * Judges our commit against one that was there first (delta-protocol, "Exactly once" 2; Delta's Serializable
 * level: stricter than its default, and the same answer whatever the interleaving).
 *
 * @returns undefined when ours may go on to the next version.
 */
export function findConflict(
  ours: CommitFootprint,
  winner: LogEntry,
  version: number,
): DeltaError | undefined {
  if (winner.protocol !== undefined) {
    return conflict('delta-protocol-changed', version, 'changed the protocol of the table');
  }
  if (winner.metadata !== undefined) {
    return conflict('delta-metadata-changed', version, 'changed the schema or properties of the table');
  }
  const moved = winner.transactions.find((txn) => ours.appIds.has(txn.appId));
  if (moved !== undefined) {
    return conflict(
      'delta-transaction-fenced',
      version,
      `moved the transaction ${moved.appId} to ${moved.version.toString()}`,
    );
  }
  const removed = winner.removes.find((file) => ours.removedPaths.has(file.path));
  if (removed !== undefined)
    return conflict('delta-concurrent-delete', version, `removed ${removed.path}, which we remove too`);
  return readConflict(ours.reads, winner, version);
}

function readConflict(reads: ReadScope, winner: LogEntry, version: number): DeltaError | undefined {
  if (reads.kind === 'nothing' || reads.kind === 'removed-files') return undefined;
  const concerns = (values: PartitionValues | null): boolean =>
    reads.kind === 'table' || values === null || isInPartitions(values, reads.partitions);
  const removed = winner.removes.find((file) => concerns(file.partitionValues));
  if (removed !== undefined)
    return conflict('delta-concurrent-delete', version, `removed ${removed.path}, which we read`);
  const added = winner.adds.find((file) => concerns(file.partitionValues));
  if (added !== undefined)
    return conflict('delta-concurrent-append', version, `added ${added.path}, which we should have read`);
  return undefined;
}

const hints: Partial<Record<DeltaErrorCode, string>> = {
  'delta-transaction-fenced':
    'Another process writes for the same appId: drop this batch and go on from its transaction.',
};

function conflict(code: DeltaErrorCode, version: number, what: string): DeltaError {
  return new DeltaError({
    code,
    message: `Another writer's version ${version} ${what}.`,
    hint: hints[code] ?? 'Start the operation again from the newest version.',
    retryable: code !== 'delta-transaction-fenced',
    details: { version },
  });
}

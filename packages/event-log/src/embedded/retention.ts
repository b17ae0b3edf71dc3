import type { Topic, PartitionOffsets, RetentionReport } from '../event-log.ts';
import type { PartitionWriter } from './partition-writer.ts';

export interface RetentionLimits {
  /** A segment whose newest record is older than this, ms since the epoch, has expired. */
  readonly expireBefore: number;
  readonly maxBytes: number;
}

/**
 * Deletes from the oldest segment of each partition on, whole closed segments only, none that holds a record
 * at or after `keepFrom`: first what expired, then, oldest first, what is too much.
 */
export async function deleteExpired(
  partitions: readonly PartitionWriter[],
  keepFrom: Readonly<Record<Topic, PartitionOffsets>>,
  limits: RetentionLimits,
  publish: () => Promise<void>,
): Promise<RetentionReport> {
  let deletedSegments = 0;
  let deletedBytes = 0;
  for (;;) {
    const candidates = partitions.flatMap((partition) => {
      const oldest = deletable(partition, keepFrom);
      return oldest === undefined ? [] : [{ partition, newest: oldest }];
    });
    candidates.sort((a, b) => a.newest - b.newest);
    const [first] = candidates;
    if (first === undefined) break;
    const isExpired = first.newest < limits.expireBefore;
    if (!isExpired && totalBytes(partitions) <= limits.maxBytes) break;
    const segment = first.partition.forgetOldest();
    if (segment === undefined) break;
    // Readers learn first, so that none goes looking for a file that is gone.
    await publish();
    await first.partition.deleteFile(segment);
    deletedBytes += segment.bytes;
    deletedSegments += 1;
  }
  return { deletedSegments, deletedBytes };
}

export function totalBytes(partitions: readonly PartitionWriter[]): number {
  return partitions.reduce((sum, partition) => sum + partition.bytes(), 0);
}

/** The newest timestamp in the oldest segment when that may be deleted. */
function deletable(
  partition: PartitionWriter,
  keepFrom: Readonly<Record<Topic, PartitionOffsets>>,
): number | undefined {
  const oldest = partition.closedSegments[0];
  if (oldest === undefined) return undefined;
  const keep = keepFrom[partition.place.topic][partition.place.partition] ?? 0n;
  return oldest.endOffset <= keep ? oldest.lastTimestamp : undefined;
}

import { topicPartitions, type LogReader, type RecordBatch } from '@clicklake/event-log';
import { isClicklakeError } from '@clicklake/errors';
import { PipelineError } from '../pipeline-error.ts';
import type { PartitionBatches } from './spool.ts';

/** Next offset to read. */
export interface ReadPositions {
  readonly events: readonly bigint[];
  readonly errors: bigint;
}

export interface Intake {
  readonly events: readonly PartitionBatches[];
  readonly errors: readonly RecordBatch[];
  readonly next: ReadPositions;
  readonly records: number;
  /** Bytes of values. */
  readonly bytes: number;
  /** Offsets of `clickstream-events` that were passed over as given up (S5.1). */
  readonly unreadable: bigint;
  /** Whether some partition gave as much as it was asked for: there is likely more. */
  readonly more: boolean;
}

export const startPositions: ReadPositions = {
  events: Array.from({ length: topicPartitions['clickstream-events'] }, () => 0n),
  errors: 0n,
};

/** Takes the next records of every partition, about `maxBytes` in all. */
export async function takeIn(reader: LogReader, from: ReadPositions, maxBytes: number): Promise<Intake> {
  const share = Math.max(1, Math.floor(maxBytes / (from.events.length + 1)));
  const [errors, ...events] = await Promise.all([
    fetchPartition(reader, 'clickstream-errors', 0, from.errors, share),
    ...from.events.map((offset, partition) =>
      fetchPartition(reader, 'clickstream-events', partition, offset, share),
    ),
  ]);
  const everything = [errors, ...events].flat();
  return {
    events: events.map((batches, partition) => ({ partition, batches })),
    errors,
    next: {
      events: events.map((batches, partition) => batches.at(-1)?.nextOffset ?? from.events[partition] ?? 0n),
      errors: errors.at(-1)?.nextOffset ?? from.errors,
    },
    records: everything.reduce((sum, batch) => sum + batch.count, 0),
    bytes: everything.reduce((sum, batch) => sum + batch.valueBytes, 0),
    unreadable: events.reduce(
      (sum, batches, partition) => sum + gaps(batches, from.events[partition] ?? 0n),
      0n,
    ),
    more: [errors, ...events].some((batches) => sizeOf(batches) >= share),
  };
}

function sizeOf(batches: readonly RecordBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.valueBytes, 0);
}

/** The embedded log's offsets are contiguous, so what a fetch leaves out was given up. */
function gaps(batches: readonly RecordBatch[], from: bigint): bigint {
  const read = batches.reduce((sum, batch) => sum + BigInt(batch.count), 0n);
  return (batches.at(-1)?.nextOffset ?? from) - from - read;
}

async function fetchPartition(
  reader: LogReader,
  topic: 'clickstream-events' | 'clickstream-errors',
  partition: number,
  from: bigint,
  maxBytes: number,
): Promise<readonly RecordBatch[]> {
  try {
    return await reader.fetch(topic, partition, from, maxBytes);
  } catch (error) {
    throw explain(error, topic, partition, from);
  }
}

function explain(error: unknown, topic: string, partition: number, from: bigint): unknown {
  if (!isClicklakeError(error)) return error;
  if (error.code === 'log-corrupt-range') {
    return new PipelineError({
      code: 'ingest-corrupt-range',
      message: `Ingest stands before an unreadable range of ${topic}, partition ${partition}: ${error.message}`,
      hint: `Restore the segment from a copy, or give the range up with: clicklake topics skip-corrupt ${topic} ${partition}`,
      cause: error,
      details: error.details,
    });
  }
  if (error.code === 'log-offset-out-of-range') {
    return new PipelineError({
      code: 'lake-log-mismatch',
      message: `Silver was committed up to offset ${from} of ${topic}, partition ${partition}, and the log does not have it: ${error.message}`,
      hint: 'This log does not belong to this lake, or it was reset alone: restore it, or reset both with: clicklake reset',
      cause: error,
      details: error.details,
    });
  }
  return error;
}

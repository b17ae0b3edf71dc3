import {
  fetchMemory,
  topicPartitions,
  type FetchMemory,
  type LogReader,
  type RecordBatch,
  type Topic,
} from '@clicklake/event-log';
import { isClicklakeError } from '@clicklake/errors';
import { PipelineError } from '../pipeline-error.ts';

/** What one partition of `clickstream-events` gave. */
export interface PartitionBatches {
  readonly partition: number;
  readonly batches: readonly RecordBatch[];
}

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
  /** Offsets that were passed over as given up (S5.1). */
  readonly unreadableEvents: bigint;
  readonly unreadableErrors: bigint;
  /** Whether some partition gave as much as it was asked for: there is likely more. */
  readonly more: boolean;
}

/** One for each partition that is read. */
export interface IntakeMemory {
  readonly events: readonly FetchMemory[];
  readonly errors: FetchMemory;
}

export function intakeMemory(): IntakeMemory {
  return {
    events: Array.from({ length: topicPartitions['clickstream-events'] }, fetchMemory),
    errors: fetchMemory(),
  };
}

/**
 * Takes the next records of every partition, about `maxBytes` in all.
 *
 * @param memory what the records lie in: they are valid until it is used again.
 */
export async function takeIn(
  reader: LogReader,
  from: ReadPositions,
  maxBytes: number,
  memory: IntakeMemory,
): Promise<Intake> {
  const share = Math.max(1, Math.floor(maxBytes / (from.events.length + 1)));
  const [errors, ...events] = await Promise.all([
    fetchPartition(reader, 'clickstream-errors', 0, from.errors, share, memory.errors),
    ...from.events.map((offset, partition) =>
      fetchPartition(reader, 'clickstream-events', partition, offset, share, memory.events[partition]),
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
    unreadableEvents: events.reduce(
      (sum, batches, partition) => sum + gaps(batches, from.events[partition] ?? 0n),
      0n,
    ),
    unreadableErrors: gaps(errors, from.errors),
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
  topic: Topic,
  partition: number,
  from: bigint,
  maxBytes: number,
  memory: FetchMemory | undefined,
): Promise<readonly RecordBatch[]> {
  try {
    return await reader.fetch(topic, partition, from, maxBytes, memory);
  } catch (error) {
    throw explain(error, topic, partition, from);
  }
}

/** The log's refusal, with what it means for this lake and the way out. */
function explain(error: unknown, topic: Topic, partition: number, from: bigint): unknown {
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
  if (error.code !== 'log-offset-out-of-range') return error;
  const { startOffset } = error.details;
  if (typeof startOffset === 'bigint' && from < startOffset) {
    return new PipelineError({
      code: 'lake-log-gone',
      message: `The lake needs ${topic}, partition ${partition}, from offset ${from}, and the log begins at ${startOffset}: ${error.message}`,
      hint: 'This lake was reset or rolled back alone: restore the log from a copy, or reset both with: clicklake reset',
      cause: error,
      details: error.details,
    });
  }
  return new PipelineError({
    code: 'lake-log-mismatch',
    message: `The lake was committed up to offset ${from} of ${topic}, partition ${partition}, and the log does not have it: ${error.message}`,
    hint: 'This log does not belong to this lake, or it was reset alone: restore it, or reset both with: clicklake reset',
    cause: error,
    details: error.details,
  });
}

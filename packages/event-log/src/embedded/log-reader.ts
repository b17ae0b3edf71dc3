import {
  type LogReader,
  type OffsetRange,
  type PartitionState,
  type RecordBatch,
  type Topic,
} from '../event-log.ts';
import { EventLogError } from '../event-log-error.ts';
import type { AppendSignal } from './append-signal.ts';
import { appendWait } from './append-wait.ts';
import { readGroup, writeGroup } from './consumer-groups.ts';
import { scanPartition } from './corrupt-ranges.ts';
import { readDurableEnds, type DurableEnd } from './durable-ends.ts';
import type { CompleteLogOptions } from './embedded-log-options.ts';
import { framePrefix } from './frame.ts';
import { unionOf, without } from './offset-ranges.ts';
import { partitionReader, type PartitionReader, type Piece } from './partition-reader.ts';
import { listSegments, partitionPlaces, segmentPath, type PartitionPlace } from './segment-files.ts';
import type { SettledLog } from './settled-log.ts';
import { readSkipped } from './skipped-ranges.ts';

interface ReadablePartition {
  readonly place: PartitionPlace;
  readonly slot: number;
  readonly reader: PartitionReader;
  /** Unreadable ranges met so far, skipped ones included. */
  corrupt: readonly OffsetRange[];
}

interface ReadState {
  readonly found: ReadablePartition;
  readonly end: DurableEnd;
  readonly skipped: readonly OffsetRange[];
}

export function openLogReader(
  options: CompleteLogOptions,
  settled: SettledLog,
  signal: AppendSignal,
): LogReader {
  const { directory, files } = options;
  const { logId, ends } = settled;
  const partitions: readonly ReadablePartition[] = partitionPlaces(directory).map((place, slot) => ({
    place,
    slot,
    reader: partitionReader(files, place.directory, framePrefix(logId)),
    corrupt: [],
  }));
  const waitForAppend = appendWait(() => publishedEnds(), signal);
  let closing: Promise<void> | undefined;

  async function publishedEnds(): Promise<readonly DurableEnd[]> {
    for (;;) {
      if (closing !== undefined) throw closedError();
      const published = await readDurableEnds(ends, logId, partitions.length);
      const complete = published.filter((end) => end !== undefined);
      // A slot that is being overwritten may read torn.
      if (complete.length === partitions.length) return complete;
    }
  }

  async function stateOf(topic: Topic, partition: number): Promise<ReadState> {
    const found = partitions.find(({ place }) => place.topic === topic && place.partition === partition);
    if (found === undefined) throw noSuchPartition(topic, partition);
    const end = (await publishedEnds())[found.slot];
    if (end === undefined) throw noSuchPartition(topic, partition);
    return { found, end, skipped: unionOf(await readSkipped(files, found.place.directory)) };
  }

  /** Reads from an offset of a partition; once more when retention deleted a file on the way. */
  async function read<T>(
    topic: Topic,
    partition: number,
    from: bigint | undefined,
    work: (state: ReadState, from: bigint) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const state = await stateOf(topic, partition);
      const start = from ?? state.end.startOffset;
      assertInRange(state.found.place, state.end, start);
      try {
        return await work(state, start);
      } catch (error) {
        if (attempt === 3 || !(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
          throw error;
        state.found.reader.refresh();
      }
    }
  }

  function scan(topic: Topic, partition: number, wantedFrom: bigint | undefined) {
    return read(topic, partition, wantedFrom, async ({ found, end, skipped }, from) => {
      const result = await scanPartition(found.reader, { from, end, skipped });
      found.corrupt = unionOf([...found.corrupt, ...result.corrupt]);
      return result;
    });
  }

  return {
    fetch(topic, partition, from, maxBytes, memory) {
      const windowBytes = Math.min(maxWindowBytes, Math.max(minWindowBytes, Math.ceil(maxBytes * framing)));
      return read(topic, partition, from, async ({ found, end, skipped }) => {
        memory?.reset();
        const pieces = found.reader.pieces({ from, end, skipped, windowBytes, memory });
        const { batches, unreadable } = await takePieces(pieces, maxBytes);
        if (unreadable === undefined) return batches;
        found.corrupt = unionOf([...found.corrupt, unreadable]);
        throw corruptRange(found.place, unreadable);
      });
    },
    async count(topic, partition, from) {
      return (await scan(topic, partition, from)).readable;
    },
    async verify(topic, partition) {
      return (await scan(topic, partition, undefined)).corrupt;
    },
    async describe() {
      const published = await publishedEnds();
      return Promise.all(
        partitions.map(async ({ place, slot, corrupt }) => {
          const end = published[slot];
          if (end === undefined) throw noSuchPartition(place.topic, place.partition);
          const skipped = await readSkipped(files, place.directory);
          return partitionState(options, place, end, corrupt, skipped);
        }),
      );
    },
    waitForAppend,
    committed: (group) => readGroup(files, directory, group),
    commit: (group, offsets) => writeGroup(files, directory, group, offsets),
    close() {
      closing ??= ends.close();
      return closing;
    },
  };
}

/** Batches up to a budget and before the first unreadable range; that range, when it comes first. */
async function takePieces(pieces: AsyncGenerator<Piece>, maxBytes: number) {
  const batches: RecordBatch[] = [];
  let bytes = 0;
  let unreadable: OffsetRange | undefined;
  for await (const piece of pieces) {
    if (piece.kind === 'batch') {
      if (unreadable !== undefined) break;
      batches.push(piece.batch);
      bytes += piece.batch.valueBytes;
      if (bytes >= maxBytes) break;
    } else {
      if (batches.length > 0 || (unreadable !== undefined && unreadable.to !== piece.range.from)) break;
      unreadable = { from: unreadable?.from ?? piece.range.from, to: piece.range.to };
    }
  }
  return { batches, unreadable };
}

/** What entries, keys and headers add to the values, with room for the batch that goes over the budget. */
const framing = 1.2;
const minWindowBytes = 64 << 10;
const maxWindowBytes = 128 << 20;

async function partitionState(
  { files }: CompleteLogOptions,
  place: PartitionPlace,
  end: DurableEnd,
  corrupt: readonly OffsetRange[],
  skipped: readonly OffsetRange[],
): Promise<PartitionState> {
  const bases = (await listSegments(files, place.directory)).filter((base) => base <= end.segmentBase);
  const closed = bases.filter((base) => base !== end.segmentBase);
  const sizes = await Promise.all(closed.map((base) => files.stat(segmentPath(place.directory, base))));
  const given = unionOf(skipped);
  return {
    topic: place.topic,
    partition: place.partition,
    startOffset: end.startOffset,
    endOffset: end.endOffset,
    appended: end.appended,
    bytes: sizes.reduce((sum, found) => sum + (found?.size ?? 0), end.segmentBytes),
    segments: bases.length,
    lastTimestamp: end.lastTimestamp,
    corrupt: corrupt.flatMap((range) => without(range, given)).filter(({ to }) => to > end.startOffset),
    skipped: given,
  };
}

function assertInRange({ topic, partition }: PartitionPlace, end: DurableEnd, from: bigint): void {
  const { startOffset, endOffset } = end;
  if (from >= startOffset && from <= endOffset) return;
  const why = from < startOffset ? 'retention deleted it' : 'no such record is durable';
  throw new EventLogError({
    code: 'log-offset-out-of-range',
    message: `Offset ${from.toString()} of ${topic}-${partition} is not in the log (${startOffset.toString()} to ${endOffset.toString()}): ${why}.`,
    hint: 'Check that the consumer belongs to this log; a log that lost its retention race needs a longer one.',
    details: { topic, partition, offset: from, startOffset, endOffset },
  });
}

function corruptRange({ topic, partition }: PartitionPlace, { from, to }: OffsetRange): EventLogError {
  return new EventLogError({
    code: 'log-corrupt-range',
    message: `Records ${from.toString()} to ${(to - 1n).toString()} of ${topic}-${partition} cannot be read: their checksums fail.`,
    hint: `Restore the segment from a backup, or give these records up: clicklake topics skip-corrupt ${topic} ${partition}`,
    details: { topic, partition, from, to },
  });
}

function noSuchPartition(topic: Topic, partition: number): EventLogError {
  return new EventLogError({
    code: 'log-invalid-argument',
    message: `There is no partition ${partition} of ${topic}.`,
    hint: 'clickstream-events has the partitions 0 to 2, clickstream-errors has 0.',
  });
}

function closedError(): EventLogError {
  return new EventLogError({
    code: 'log-closed',
    message: 'The log reader is closed.',
    hint: 'Open it again.',
  });
}

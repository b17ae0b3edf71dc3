import type { CrashPoints, FileSystem, OpenFile } from '@clicklake/durable-files';
import type { NewRecord } from '../event-log.ts';
import type { DurableEnd } from './durable-ends.ts';
import { decodeHeader, framePrefix, headerBytes, type FrameHeader } from './frame.ts';
import type { EncodedRecord, GroupBuffer } from './group-buffer.ts';
import { createSegment, recoverPartition } from './recovery.ts';
import { segmentPath, type PartitionPlace } from './segment-files.ts';

export interface ClosedSegment {
  readonly base: bigint;
  /** Base of the next segment. */
  readonly endOffset: bigint;
  readonly bytes: number;
  /** Timestamp of its newest record, ms: the next segment's opening frame tells it. */
  readonly lastTimestamp: number;
}

/** The writer's side of one partition: offsets are assigned from `next`, what is durable ends at `end`. */
export interface PartitionWriter {
  readonly place: PartitionPlace;
  readonly end: DurableEnd;
  readonly closedSegments: readonly ClosedSegment[];
  /** Gives a record the next offset and encodes it. */
  add(group: GroupBuffer, record: NewRecord, key: Uint8Array | null): bigint;
  addEncoded(group: GroupBuffer, record: EncodedRecord, timestamp: number): bigint;
  /** Newest timestamp given out, ms. */
  lastTimestamp(): number;
  /** Durable bytes of all segments. */
  bytes(): number;
  /** Writes a group after the durable end, in a new segment when it would not fit; not durable yet. */
  write(group: GroupBuffer): Promise<void>;
  sync(): Promise<void>;
  /** What `write` wrote is durable now. */
  advance(group: GroupBuffer): void;
  /** Forgets every offset beyond the durable end, and cuts off what was written there. */
  rollBack(): Promise<void>;
  /** The log starts after its oldest closed segment from now on; undefined when there is none. */
  forgetOldest(): ClosedSegment | undefined;
  /** Deletes the file of a forgotten segment, durably. */
  deleteFile(segment: ClosedSegment): Promise<void>;
  close(): Promise<void>;
}

export interface PartitionWriterContext {
  readonly files: FileSystem;
  readonly crashPoints: CrashPoints;
  readonly segmentBytes: number;
  readonly logId: Buffer;
}

export async function openPartitionWriter(
  context: PartitionWriterContext,
  place: PartitionPlace,
  published: DurableEnd | undefined,
): Promise<PartitionWriter> {
  const { files, crashPoints, segmentBytes, logId } = context;
  const { directory } = place;
  const prefix = framePrefix(logId);
  const recovered = await recoverPartition(files, directory, logId, published);
  let { end } = recovered;
  let file: OpenFile = recovered.file;
  const closed = await closedSegments(files, directory, prefix, recovered.segments);
  let closedBytes = closed.reduce((sum, segment) => sum + segment.bytes, 0);

  let next = end.endOffset;
  let lastTimestamp = end.lastTimestamp;
  let writtenBytes = 0;
  let damaged = false;

  /** S1.5: a clock that jumped back does not take the log with it. */
  function advanceTo(timestamp: number): number {
    lastTimestamp = Math.max(lastTimestamp, timestamp);
    return lastTimestamp;
  }

  async function roll(): Promise<void> {
    const start = { base: end.endOffset, appended: end.appended, lastTimestamp: end.lastTimestamp };
    const created = await createSegment(files, directory, prefix, start);
    crashPoints.reach('log-segment-created');
    await file.close();
    closed.push({
      base: end.segmentBase,
      endOffset: end.endOffset,
      bytes: end.segmentBytes,
      lastTimestamp: end.lastTimestamp,
    });
    closedBytes += end.segmentBytes;
    file = created;
    end = { ...end, segmentBase: start.base, segmentBytes: headerBytes };
  }

  return {
    place,
    get end() {
      return end;
    },
    closedSegments: closed,
    add(group, record, key) {
      group.add(record, key, advanceTo(record.timestamp));
      return next++;
    },
    addEncoded(group, record, timestamp) {
      group.addEncoded(record, advanceTo(timestamp));
      return next++;
    },
    lastTimestamp: () => lastTimestamp,
    bytes: () => closedBytes + end.segmentBytes,
    async write(group) {
      const isEmpty = end.segmentBytes <= headerBytes;
      if (!isEmpty && end.segmentBytes + group.bytes > segmentBytes) await roll();
      const buffers = group.finish({ prefix, baseOffset: end.endOffset, appended: end.appended });
      damaged = true;
      await file.write(buffers, end.segmentBytes);
      writtenBytes = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    },
    sync: () => file.sync(),
    advance(group) {
      damaged = false;
      end = {
        ...end,
        endOffset: end.endOffset + BigInt(group.count),
        appended: end.appended + BigInt(group.count),
        lastTimestamp: group.maxTimestamp,
        segmentBytes: end.segmentBytes + writtenBytes,
      };
    },
    async rollBack() {
      next = end.endOffset;
      if (!damaged) return;
      await file.truncate(end.segmentBytes);
      damaged = false;
    },
    forgetOldest() {
      const oldest = closed.shift();
      if (oldest === undefined) return undefined;
      closedBytes -= oldest.bytes;
      end = { ...end, startOffset: closed[0]?.base ?? end.segmentBase };
      return oldest;
    },
    async deleteFile(segment) {
      await files.remove(segmentPath(directory, segment.base));
      crashPoints.reach('log-retention-deleting');
      // One at a time: were a later one gone and an earlier one back after a power cut, the log had a hole.
      await files.syncDirectory(directory);
    },
    close: () => file.close(),
  };
}

async function closedSegments(
  files: FileSystem,
  directory: string,
  prefix: Buffer,
  bases: readonly bigint[],
): Promise<ClosedSegment[]> {
  const closed: ClosedSegment[] = [];
  for (const [index, base] of bases.entries()) {
    const endOffset = bases[index + 1];
    if (endOffset === undefined) break;
    const path = segmentPath(directory, base);
    const next = await firstHeader(files, segmentPath(directory, endOffset), prefix);
    closed.push({
      base,
      endOffset,
      bytes: (await files.stat(path))?.size ?? 0,
      // A damaged opening frame: the segment before it is kept as if it were new.
      lastTimestamp: next?.maxTimestamp ?? Number.MAX_SAFE_INTEGER,
    });
  }
  return closed;
}

async function firstHeader(
  files: FileSystem,
  path: string,
  prefix: Buffer,
): Promise<FrameHeader | undefined> {
  const file = await files.open(path, 'read');
  try {
    return decodeHeader(prefix, await file.read(0, headerBytes), 0);
  } finally {
    await file.close();
  }
}

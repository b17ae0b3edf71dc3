import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import type { DurableEnd } from './durable-ends.ts';
import { encodeHeader, frameBytes, framePrefix, headerBytes, nextOffset, type FrameHeader } from './frame.ts';
import { bodyIsIntact } from './frame-records.ts';
import { frameSource, type FrameSource } from './frame-source.ts';
import { listSegments, segmentPath } from './segment-files.ts';
import { orSyncFailure } from './sync-failure.ts';

/** What is durable of a partition, and its active segment, open for writing at `end.segmentBytes`. */
export interface RecoveredPartition {
  readonly segments: readonly bigint[];
  readonly end: DurableEnd;
  readonly file: OpenFile;
}

/**
 * Finds the end of a partition after whatever ended the last writer, and makes it durable (S5.1). Reads only
 * what may have been written after the published end, at most the last segment.
 *
 * A group commit is acknowledged as a whole, so an invalid suffix is torn, and cut off, when nothing of a
 * later group follows it and the published end does not lie beyond it. Otherwise it had been acknowledged:
 * it stays, as evidence, and its offsets are unreadable.
 */
export async function recoverPartition(
  files: FileSystem,
  directory: string,
  logId: Buffer,
  published: DurableEnd | undefined,
): Promise<RecoveredPartition> {
  await files.makeDirectory(directory);
  const prefix = framePrefix(logId);
  const segments = await listSegments(files, directory);
  for (let base = segments.pop(); base !== undefined; base = segments.pop()) {
    const file = await files.open(segmentPath(directory, base), 'append');
    try {
      const found = await endOfSegment(file, prefix, base, published);
      if (found !== undefined) {
        segments.push(base);
        return await settle({ files, directory, prefix, segments, file, base, found, published });
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await setAside(files, directory, base, file);
  }
  const base = published?.endOffset ?? 0n;
  const counters = {
    base,
    appended: published?.appended ?? 0n,
    lastTimestamp: published?.lastTimestamp ?? 0,
  };
  const file = await createSegment(files, directory, prefix, counters);
  return { segments: [base], file, end: endOfNewSegment(base, counters) };
}

/**
 * A segment without one valid frame. When it is no longer than its opening frame, power failed before that was
 * durable, and no record can have followed. A longer one is kept under another name, for whoever looks into it.
 */
async function setAside(files: FileSystem, directory: string, base: bigint, file: OpenFile): Promise<void> {
  const size = await file.size().finally(() => file.close());
  const path = segmentPath(directory, base);
  if (size <= headerBytes) await files.remove(path);
  else await files.rename(path, `${path}.damaged`);
  await files.syncDirectory(directory);
}

export interface SegmentStart {
  readonly base: bigint;
  readonly appended: bigint;
  readonly lastTimestamp: number;
}

/** Creates a segment with its opening frame; both it and its name are durable when this returns. */
export async function createSegment(
  files: FileSystem,
  directory: string,
  prefix: Buffer,
  start: SegmentStart,
): Promise<OpenFile> {
  const path = segmentPath(directory, start.base);
  const file = await files.open(path, 'create');
  try {
    await file.write([openingFrame(prefix, start)], 0);
  } catch (error) {
    await file.close();
    await files.remove(path);
    throw error;
  }
  try {
    await orSyncFailure(file.sync());
    await orSyncFailure(files.syncDirectory(directory));
  } catch (error) {
    await file.close();
    throw error;
  }
  return file;
}

function openingFrame(prefix: Buffer, { base, appended, lastTimestamp }: SegmentStart): Buffer {
  return encodeHeader(prefix, {
    baseOffset: base,
    groupBase: base,
    appendedBefore: appended,
    maxTimestamp: lastTimestamp,
    bodyBytes: 0,
    bodyCrc: 0,
    count: 0,
    keysBytes: 0,
    hasNewline: false,
    judgedBy: null,
  });
}

function endOfNewSegment(startOffset: bigint, { base, appended, lastTimestamp }: SegmentStart): DurableEnd {
  return {
    startOffset,
    endOffset: base,
    appended,
    lastTimestamp,
    segmentBase: base,
    segmentBytes: headerBytes,
  };
}

interface SegmentEnd {
  readonly position: number;
  readonly offset: bigint;
  readonly appended: bigint;
  readonly lastTimestamp: number;
  readonly scanned: boolean;
}

async function endOfSegment(
  file: OpenFile,
  prefix: Buffer,
  base: bigint,
  published: DurableEnd | undefined,
): Promise<SegmentEnd | undefined> {
  const size = await file.size();
  const known = published?.segmentBase === base && size >= published.segmentBytes ? published : undefined;
  const source = frameSource(file, prefix, size, 4 << 20);
  if (known === undefined) {
    const found = await scan(source, { position: 0, offset: base }, undefined);
    return found ?? (published === undefined ? undefined : endOfDestroyed(base, published));
  }
  const start = {
    position: known.segmentBytes,
    offset: known.endOffset,
    appended: known.appended,
    lastTimestamp: known.lastTimestamp,
    scanned: size > known.segmentBytes,
  };
  return scan(source, start, start);
}

/** A segment whose every frame is gone, but whose records had been acknowledged: the log still has its offsets. */
function endOfDestroyed(base: bigint, published: DurableEnd): SegmentEnd | undefined {
  if (published.segmentBase !== base || published.endOffset === base) return undefined;
  return { position: 0, offset: base, appended: 0n, lastTimestamp: 0, scanned: true };
}

/** Walks whole valid frames; undefined when there is none and nothing was known before. */
async function scan(
  source: FrameSource,
  start: { readonly position: number; readonly offset: bigint },
  known: SegmentEnd | undefined,
): Promise<SegmentEnd | undefined> {
  let end = known;
  let { position, offset } = start;
  for (;;) {
    const header = await validFrameAt(source, position, offset);
    const next = header === undefined ? await laterGroup(source, position, offset) : { position, header };
    if (next === undefined) return end;
    position = next.position + frameBytes(next.header);
    offset = nextOffset(next.header);
    end = {
      position,
      offset,
      appended: next.header.appendedBefore + BigInt(next.header.count),
      lastTimestamp: next.header.maxTimestamp,
      scanned: true,
    };
  }
}

async function validFrameAt(
  source: FrameSource,
  position: number,
  offset: bigint,
): Promise<FrameHeader | undefined> {
  const header = await source.headerAt(position);
  if (header?.baseOffset !== offset) return undefined;
  return bodyIsIntact(await source.load(position, header)) ? header : undefined;
}

/** A valid frame after an invalid place that proves the place had been durable, or that it held no record. */
async function laterGroup(source: FrameSource, position: number, offset: bigint) {
  const isLater = (header: FrameHeader) => header.baseOffset === offset || header.groupBase > offset;
  let from = position;
  for (;;) {
    const found = await source.find(from, isLater);
    if (found === undefined) return undefined;
    if (bodyIsIntact(await source.load(found.position, found.header))) return found;
    from = found.position + 1;
  }
}

interface Settling {
  readonly files: FileSystem;
  readonly directory: string;
  readonly prefix: Buffer;
  readonly segments: readonly bigint[];
  readonly file: OpenFile;
  readonly base: bigint;
  readonly found: SegmentEnd;
  readonly published: DurableEnd | undefined;
}

/** Cuts a torn suffix off, or leaves a damaged one behind in a closed segment; then fsyncs. */
async function settle(settling: Settling): Promise<RecoveredPartition> {
  const { files, directory, prefix, segments, file, base, found, published } = settling;
  const startOffset = segments[0] ?? base;
  if (published !== undefined && published.endOffset > found.offset) {
    const counters = {
      base: published.endOffset,
      appended: published.appended,
      lastTimestamp: published.lastTimestamp,
    };
    await file.sync();
    await file.close();
    const next = await createSegment(files, directory, prefix, counters);
    return {
      segments: [...segments, counters.base],
      file: next,
      end: endOfNewSegment(startOffset, counters),
    };
  }
  if (found.scanned) {
    await file.truncate(found.position);
    await file.sync();
    await files.syncDirectory(directory);
  }
  const end = {
    startOffset,
    endOffset: found.offset,
    appended: found.appended,
    lastTimestamp: found.lastTimestamp,
    segmentBase: base,
    segmentBytes: found.position,
  };
  return { segments, file, end };
}

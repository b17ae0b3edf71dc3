import type { LogRecord, RecordBatch } from '../event-log.ts';
import { checksum } from './checksum.ts';
import { entryBytes, type FrameHeader } from './frame.ts';

/** A frame whose body has been read: `bytes[at]` is the body's first byte. */
export interface LoadedFrame {
  readonly header: FrameHeader;
  readonly bytes: Buffer;
  readonly at: number;
}

export function bodyIsIntact({ header, bytes, at }: LoadedFrame): boolean {
  return checksum(bytes, at, at + header.bodyBytes) === header.bodyCrc;
}

/** Whether one record of a frame whose body is damaged can still be trusted. */
export function recordIsIntact(frame: LoadedFrame, index: number): boolean {
  const { header, bytes, at } = frame;
  const entry = at + index * entryBytes;
  const { keyStart, keyEnd, valueStart, valueEnd } = place(frame, index);
  const keysStart = at + header.count * entryBytes;
  const bodyEnd = at + header.bodyBytes;
  if (keyStart < keysStart || keyEnd < keyStart || valueStart < keyEnd || valueEnd < valueStart) return false;
  if (valueEnd >= bodyEnd) return false;
  let sum = checksum(bytes, entry, entry + 24);
  sum = checksum(bytes, keyStart, keyEnd, sum);
  return checksum(bytes, valueStart, valueEnd, sum) === bytes.readUInt32LE(entry + 24);
}

/**
 * The records `[first, end)` of a frame, by index, as a batch over the frame's own bytes.
 *
 * @param linesAreIntact false for what is left of a damaged body: the newlines have no checksum of their own.
 */
export function batchOf(
  frame: LoadedFrame,
  first: number,
  end: number,
  linesAreIntact: boolean,
): RecordBatch {
  const { header, bytes } = frame;
  const start = place(frame, first).valueStart;
  const stop = place(frame, end - 1).valueEnd + 1;
  return {
    baseOffset: header.baseOffset + BigInt(first),
    nextOffset: header.baseOffset + BigInt(end),
    count: end - first,
    valueBytes: stop - start - (end - first),
    judgedBy: header.judgedBy,
    lines: header.hasNewline || !linesAreIntact ? null : bytes.subarray(start, stop),
    maxTimestamp: end === header.count ? header.maxTimestamp : timestampOf(frame, end - 1),
    records() {
      const records: LogRecord[] = [];
      for (let index = first; index < end; index += 1) records.push(recordOf(frame, index));
      return records;
    },
  };
}

function recordOf(frame: LoadedFrame, index: number): LogRecord {
  const { header, bytes } = frame;
  const { hasKey, keyStart, keyEnd, valueStart, valueEnd } = place(frame, index);
  return {
    offset: header.baseOffset + BigInt(index),
    timestamp: timestampOf(frame, index),
    key: hasKey ? bytes.subarray(keyStart, keyEnd) : null,
    value: bytes.subarray(valueStart, valueEnd),
    judgedBy: header.judgedBy,
  };
}

function timestampOf({ bytes, at }: LoadedFrame, index: number): number {
  const entry = at + index * entryBytes;
  return bytes.readUInt32LE(entry + 4) * 0x1_0000_0000 + bytes.readUInt32LE(entry);
}

function place({ header, bytes, at }: LoadedFrame, index: number) {
  const entry = at + index * entryBytes;
  const keys = at + header.count * entryBytes;
  const values = keys + header.keysBytes;
  const keyLength = bytes.readInt32LE(entry + 12);
  const keyStart = keys + bytes.readUInt32LE(entry + 8);
  const valueStart = values + bytes.readUInt32LE(entry + 16);
  return {
    hasKey: keyLength >= 0,
    keyStart,
    keyEnd: keyStart + Math.max(0, keyLength),
    valueStart,
    valueEnd: valueStart + bytes.readUInt32LE(entry + 20),
  };
}

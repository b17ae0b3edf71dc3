import type { NewRecord } from '../event-log.ts';
import { checksum } from './checksum.ts';
import { encodeHeader, entryBytes, headerBytes, type FrameHeader } from './frame.ts';

/** A frame is closed at this many bytes of values: what one flipped header bit can cost, and a fetch's grain. */
const frameValueBytes = 1 << 20;
/** A buffer that grew beyond this for one large group is given back. */
const keptBytes = 8 << 20;

/** One partition's part of a group commit: encoded as it is appended, written as it stands. */
export interface GroupBuffer {
  readonly count: number;
  /** Bytes of the file that the group will take. */
  readonly bytes: number;
  /** Timestamp of the last record, ms. */
  readonly maxTimestamp: number;
  add(record: NewRecord, key: Uint8Array | null, timestamp: number): void;
  addEncoded(record: EncodedRecord, timestamp: number): void;
  /** The buffers to write, in order; valid until `clear`. */
  finish(start: GroupStart): Buffer[];
  clear(): void;
}

/** A record as bytes of one buffer. */
export interface EncodedRecord {
  readonly judgedBy: string | null;
  readonly bytes: Buffer;
  /** −1 when there is no key. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly hasNewline: boolean;
}

export interface GroupStart {
  readonly prefix: Buffer;
  readonly baseOffset: bigint;
  readonly appended: bigint;
}

interface Region {
  bytes: Buffer;
  /** Over the same bytes: its setters compile to one instruction, Buffer's do not. */
  view: DataView;
  used: number;
}

/** A frame under construction: where its parts start in the three regions. */
interface FrameDraft {
  readonly judgedBy: string | null;
  readonly entriesAt: number;
  readonly keysAt: number;
  readonly valuesAt: number;
  count: number;
  hasNewline: boolean;
  maxTimestamp: number;
}

export function groupBuffer(): GroupBuffer {
  const entries = region(64 << 10);
  const keys = region(64 << 10);
  const values = region(64 << 10);
  let frames: FrameDraft[] = [];
  let open: FrameDraft | undefined;
  let count = 0;

  function frameFor(judgedBy: string | null): FrameDraft {
    if (open?.judgedBy === judgedBy && values.used - open.valuesAt < frameValueBytes) return open;
    open = {
      judgedBy,
      entriesAt: entries.used,
      keysAt: keys.used,
      valuesAt: values.used,
      count: 0,
      hasNewline: false,
      maxTimestamp: 0,
    };
    frames.push(open);
    return open;
  }

  function appendKey(from: Uint8Array, start: number, end: number): void {
    reserve(keys, end - start);
    const { bytes, used } = keys;
    // Keys are short: the loop is faster than a call.
    if (end - start > 64) bytes.set(from.subarray(start, end), used);
    else for (let at = start; at < end; at += 1) bytes[used + at - start] = from[at] ?? 0;
    keys.used += end - start;
  }

  /** The entry of the record whose value, with its newline, was just written. @param keyAt −1: no key */
  function addEntry(frame: FrameDraft, keyAt: number, valueAt: number, timestamp: number): void {
    const keyStart = keyAt < 0 ? keys.used : keyAt;
    const valueEnd = values.used - 1;
    reserve(entries, entryBytes);
    const { bytes, view, used: at } = entries;
    view.setUint32(at, timestamp % 0x1_0000_0000, true);
    view.setUint32(at + 4, Math.floor(timestamp / 0x1_0000_0000), true);
    view.setUint32(at + 8, keyStart - frame.keysAt, true);
    view.setInt32(at + 12, keyAt < 0 ? -1 : keys.used - keyAt, true);
    view.setUint32(at + 16, valueAt - frame.valuesAt, true);
    view.setUint32(at + 20, valueEnd - valueAt, true);
    let sum = checksum(bytes, at, at + 24);
    sum = checksum(keys.bytes, keyStart, keys.used, sum);
    sum = checksum(values.bytes, valueAt, valueEnd, sum);
    view.setUint32(at + 24, sum, true);
    entries.used += entryBytes;

    frame.count += 1;
    frame.maxTimestamp = timestamp;
    count += 1;
  }

  return {
    get count() {
      return count;
    },
    get bytes() {
      return frames.length * headerBytes + entries.used + keys.used + values.used;
    },
    get maxTimestamp() {
      return open?.maxTimestamp ?? 0;
    },
    add(record, key, timestamp) {
      const frame = frameFor(record.judgedBy);
      const keyAt = keys.used;
      if (key !== null) appendKey(key, 0, key.length);
      const valueAt = values.used;
      if (appendValue(values, record.value)) frame.hasNewline = true;
      addEntry(frame, key === null ? -1 : keyAt, valueAt, timestamp);
    },
    addEncoded({ judgedBy, bytes, keyStart, keyEnd, valueStart, valueEnd, hasNewline }, timestamp) {
      const frame = frameFor(judgedBy);
      const keyAt = keys.used;
      if (keyStart >= 0) appendKey(bytes, keyStart, keyEnd);
      const valueAt = values.used;
      reserve(values, valueEnd - valueStart + 1);
      bytes.copy(values.bytes, valueAt, valueStart, valueEnd);
      values.used += valueEnd - valueStart;
      endValue(values);
      if (hasNewline) frame.hasNewline = true;
      addEntry(frame, keyStart < 0 ? -1 : keyAt, valueAt, timestamp);
    },
    finish({ prefix, baseOffset, appended }) {
      const buffers: Buffer[] = [];
      let before = 0n;
      frames.forEach((frame, index) => {
        const next = frames[index + 1];
        const parts = [
          entries.bytes.subarray(frame.entriesAt, next?.entriesAt ?? entries.used),
          keys.bytes.subarray(frame.keysAt, next?.keysAt ?? keys.used),
          values.bytes.subarray(frame.valuesAt, next?.valuesAt ?? values.used),
        ];
        const header: FrameHeader = {
          baseOffset: baseOffset + before,
          groupBase: baseOffset,
          appendedBefore: appended + before,
          maxTimestamp: frame.maxTimestamp,
          bodyBytes: parts.reduce((sum, part) => sum + part.length, 0),
          bodyCrc: parts.reduce((sum, part) => checksum(part, 0, part.length, sum), 0),
          count: frame.count,
          keysBytes: parts[1]?.length ?? 0,
          hasNewline: frame.hasNewline,
          judgedBy: frame.judgedBy,
        };
        buffers.push(encodeHeader(prefix, header), ...parts);
        before += BigInt(frame.count);
      });
      return buffers;
    },
    clear() {
      for (const each of [entries, keys, values]) {
        each.used = 0;
        if (each.bytes.length > keptBytes) Object.assign(each, region(64 << 10));
      }
      frames = [];
      open = undefined;
      count = 0;
    },
  };
}

/** Writes a value and the newline after it; true when the value itself contains one. */
function appendValue(values: Region, value: string | Uint8Array): boolean {
  let hasNewline: boolean;
  if (typeof value === 'string') {
    reserve(values, value.length * 3 + 1);
    values.used += values.bytes.write(value, values.used, 'utf8');
    hasNewline = value.includes('\n');
  } else {
    reserve(values, value.length + 1);
    values.bytes.set(value, values.used);
    values.used += value.length;
    hasNewline = value.includes(10);
  }
  endValue(values);
  return hasNewline;
}

/** There is room for it. */
function endValue(values: Region): void {
  values.bytes[values.used] = 10;
  values.used += 1;
}

function region(bytes: number): Region {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  return { bytes: buffer, view: viewOf(buffer), used: 0 };
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function reserve(target: Region, more: number): void {
  const needed = target.used + more;
  if (needed <= target.bytes.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(needed, target.bytes.length * 2));
  target.bytes.copy(grown, 0, 0, target.used);
  target.bytes = grown;
  target.view = viewOf(grown);
}

import { checksum } from './checksum.ts';

/*
 * The format of a segment (little endian; the file's name is its base offset in 20 digits):
 *
 *   segment = opening frame*
 *   opening = frame with count 0: tells the counters at the segment's start without the segment before it
 *   frame   = header body
 *   header  =   0  u32  magic "CLK1"
 *               4  8    log id: random per log, so that no value can contain what looks like a frame of it
 *              12  u32  CRC-32 of the header's bytes 16..144
 *              16  u64  base offset: of the first record
 *              24  u64  group base: the partition's end before the group commit that wrote this frame
 *              32  u64  records ever appended to the partition before this frame (S4.2)
 *              40  u64  timestamp of the last record, ms; timestamps never decrease (S1.5)
 *              48  u32  body length
 *              52  u32  CRC-32 of the body
 *              56  u32  count of records
 *              60  u32  length of the keys region
 *              64  u16  flags: 1 = some value contains a newline
 *              66  u16  length of judgedBy, 0xffff = null
 *              68  76   judgedBy, UTF-8, zero padded
 *   body    = entry{count} keys values
 *   entry   =   0  u64  timestamp, ms
 *               8  u32  where the key starts in the keys region
 *              12  i32  key length, -1 = null
 *              16  u32  where the value starts in the values region
 *              20  u32  value length
 *              24  u32  CRC-32 of the entry's bytes 0..24, the key, the value
 *   keys    = key{count}
 *   values  = (value "\n"){count}
 *
 * The body's CRC is the fast path. When it fails, each entry tells by itself where its record lies and
 * whether it is intact: only the records that were really hit are lost (S5.1).
 */
export const headerBytes = 144;
export const entryBytes = 28;
export const judgedByMaxBytes = 76;

const noJudge = 0xffff;
const newlineFlag = 1;
const checkedFrom = 16;

export interface FrameHeader {
  readonly baseOffset: bigint;
  readonly groupBase: bigint;
  readonly appendedBefore: bigint;
  readonly maxTimestamp: number;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  readonly count: number;
  readonly keysBytes: number;
  readonly hasNewline: boolean;
  readonly judgedBy: string | null;
}

/** The twelve bytes that start every frame of a log. */
export function framePrefix(logId: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('CLK1', 'latin1'), logId]);
}

export function encodeHeader(prefix: Buffer, header: FrameHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  prefix.copy(bytes, 0);
  bytes.writeBigUInt64LE(header.baseOffset, 16);
  bytes.writeBigUInt64LE(header.groupBase, 24);
  bytes.writeBigUInt64LE(header.appendedBefore, 32);
  bytes.writeBigUInt64LE(BigInt(header.maxTimestamp), 40);
  bytes.writeUInt32LE(header.bodyBytes, 48);
  bytes.writeUInt32LE(header.bodyCrc, 52);
  bytes.writeUInt32LE(header.count, 56);
  bytes.writeUInt32LE(header.keysBytes, 60);
  bytes.writeUInt16LE(header.hasNewline ? newlineFlag : 0, 64);
  bytes.writeUInt16LE(header.judgedBy === null ? noJudge : Buffer.byteLength(header.judgedBy), 66);
  if (header.judgedBy !== null) bytes.write(header.judgedBy, 68, 'utf8');
  bytes.writeUInt32LE(checksum(bytes, checkedFrom, headerBytes), 12);
  return bytes;
}

/** The header at a place in a buffer; undefined when what is there is not a whole, intact header. */
export function decodeHeader(prefix: Buffer, bytes: Buffer, at: number): FrameHeader | undefined {
  if (at + headerBytes > bytes.length) return undefined;
  if (bytes.compare(prefix, 0, prefix.length, at, at + prefix.length) !== 0) return undefined;
  if (bytes.readUInt32LE(at + 12) !== checksum(bytes, at + checkedFrom, at + headerBytes)) return undefined;
  const judgeBytes = bytes.readUInt16LE(at + 66);
  return {
    baseOffset: bytes.readBigUInt64LE(at + 16),
    groupBase: bytes.readBigUInt64LE(at + 24),
    appendedBefore: bytes.readBigUInt64LE(at + 32),
    maxTimestamp: Number(bytes.readBigUInt64LE(at + 40)),
    bodyBytes: bytes.readUInt32LE(at + 48),
    bodyCrc: bytes.readUInt32LE(at + 52),
    count: bytes.readUInt32LE(at + 56),
    keysBytes: bytes.readUInt32LE(at + 60),
    hasNewline: (bytes.readUInt16LE(at + 64) & newlineFlag) !== 0,
    judgedBy: judgeBytes === noJudge ? null : bytes.toString('utf8', at + 68, at + 68 + judgeBytes),
  };
}

export function nextOffset(header: FrameHeader): bigint {
  return header.baseOffset + BigInt(header.count);
}

export function frameBytes(header: FrameHeader): number {
  return headerBytes + header.bodyBytes;
}

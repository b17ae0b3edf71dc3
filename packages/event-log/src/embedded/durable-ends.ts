import { join } from 'node:path';
import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import { checksum } from './checksum.ts';

/**
 * How far each partition is durable, told by the writer after each fsync: readers in any process go no
 * further, since a record that is lost in a power cut gives its offset to another one.
 *
 * The file `durable-ends` is overwritten in place and not fsynced, so after a power cut it may be old or
 * torn; it is never ahead of the disk. Recovery uses it the other way round too: what it names was fsynced
 * and acknowledged, hence a segment that ends earlier is damaged, not torn.
 *
 *   file = slot{one per partition: clickstream-events 0 1 2, clickstream-errors 0}
 *   slot =  0 u32 magic "CLKE", 4 u32 CRC-32 of bytes 8..64, 8 8 log id, 16 u64 start offset,
 *          24 u64 end offset, 32 u64 appended, 40 u64 last timestamp, 48 u64 base of the active segment,
 *          56 u64 its durable length
 */
export interface DurableEnd {
  readonly startOffset: bigint;
  readonly endOffset: bigint;
  readonly appended: bigint;
  readonly lastTimestamp: number;
  readonly segmentBase: bigint;
  readonly segmentBytes: number;
}

const slotBytes = 64;
const magic = 0x454b4c43;

export function durableEndsPath(directory: string): string {
  return join(directory, 'durable-ends');
}

export function encodeDurableEnds(logId: Buffer, ends: readonly DurableEnd[]): Buffer {
  const bytes = Buffer.alloc(ends.length * slotBytes);
  ends.forEach((end, index) => {
    const at = index * slotBytes;
    bytes.writeUInt32LE(magic, at);
    logId.copy(bytes, at + 8);
    bytes.writeBigUInt64LE(end.startOffset, at + 16);
    bytes.writeBigUInt64LE(end.endOffset, at + 24);
    bytes.writeBigUInt64LE(end.appended, at + 32);
    bytes.writeBigUInt64LE(BigInt(end.lastTimestamp), at + 40);
    bytes.writeBigUInt64LE(end.segmentBase, at + 48);
    bytes.writeBigUInt64LE(BigInt(end.segmentBytes), at + 56);
    bytes.writeUInt32LE(checksum(bytes, at + 8, at + slotBytes), at + 4);
  });
  return bytes;
}

/** One entry per partition; undefined for a slot that is absent or torn. */
export function decodeDurableEnds(
  logId: Buffer,
  bytes: Buffer,
  partitions: number,
): (DurableEnd | undefined)[] {
  return Array.from({ length: partitions }, (_, index) => {
    const at = index * slotBytes;
    if (bytes.length < at + slotBytes || bytes.readUInt32LE(at) !== magic) return undefined;
    if (bytes.readUInt32LE(at + 4) !== checksum(bytes, at + 8, at + slotBytes)) return undefined;
    if (bytes.compare(logId, 0, 8, at + 8, at + 16) !== 0) return undefined;
    return {
      startOffset: bytes.readBigUInt64LE(at + 16),
      endOffset: bytes.readBigUInt64LE(at + 24),
      appended: bytes.readBigUInt64LE(at + 32),
      lastTimestamp: Number(bytes.readBigUInt64LE(at + 40)),
      segmentBase: bytes.readBigUInt64LE(at + 48),
      segmentBytes: Number(bytes.readBigUInt64LE(at + 56)),
    };
  });
}

export async function readDurableEnds(
  file: OpenFile,
  logId: Buffer,
  partitions: number,
): Promise<(DurableEnd | undefined)[]> {
  return decodeDurableEnds(logId, await file.read(0, partitions * slotBytes), partitions);
}

export async function openDurableEnds(files: FileSystem, directory: string): Promise<OpenFile | undefined> {
  try {
    return await files.open(durableEndsPath(directory), 'read');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import type { DedupeBatch, DedupeIndexOptions, Verdicts } from '../../src/dedupe/index.ts';

export interface LogRecord {
  /** The four words of the id's hash. */
  readonly hash: readonly [number, number, number, number];
  readonly receivedAt: number;
  readonly partition: number;
  readonly offset: number;
}

export interface Verdict {
  readonly record: LogRecord;
  /** The record that stays, for a duplicate. */
  readonly first: { readonly partition: number; readonly offset: number } | undefined;
}

export function batchOf(records: readonly LogRecord[]): DedupeBatch {
  return {
    count: records.length,
    hashes: Uint32Array.from(records.flatMap((record) => record.hash)),
    receivedAt: Float64Array.from(records, (record) => record.receivedAt),
    partitions: Int32Array.from(records, (record) => record.partition),
    offsets: Float64Array.from(records, (record) => record.offset),
  };
}

export function verdictsOf(records: readonly LogRecord[], verdicts: Verdicts): Verdict[] {
  return records.map((record, row) => ({
    record,
    first:
      verdicts.duplicate[row] === 1
        ? { partition: verdicts.first.partition[row] ?? -1, offset: verdicts.first.offset[row] ?? -1 }
        : undefined,
  }));
}

/** S3.1, word for word: what the index must answer for a batch after these records were kept. */
export function judgeNaively(
  kept: readonly LogRecord[],
  batch: readonly LogRecord[],
  windowMs: number,
): Verdict[] {
  const firsts = new Map<LogRecord, LogRecord>();
  const keptNow: LogRecord[] = [];
  for (const record of batch.toSorted(compareRecords)) {
    const isFirst = (other: LogRecord): boolean =>
      other.hash.every((word, index) => word === record.hash[index]) &&
      Math.abs(other.receivedAt - record.receivedAt) <= windowMs &&
      !(other.partition === record.partition && other.offset === record.offset);
    const first = kept.filter(isFirst).toSorted(compareRecords)[0] ?? keptNow.find(isFirst);
    if (first === undefined) keptNow.push(record);
    else firsts.set(record, first);
  }
  return batch.map((record) => {
    const first = firsts.get(record);
    return { record, first: first && { partition: first.partition, offset: first.offset } };
  });
}

function compareRecords(a: LogRecord, b: LogRecord): number {
  return a.receivedAt - b.receivedAt || a.partition - b.partition || a.offset - b.offset;
}

/** A hash that is uniform in every bit, from a number. */
export function hashOf(id: number): LogRecord['hash'] {
  return [hashWord(id, 0), hashWord(id, 1), hashWord(id, 2), hashWord(id, 3)];
}

export function hashWord(id: number, word: number): number {
  let bits = Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(word + 1, 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

/** `count` records with ids from `firstId` on, on three partitions. */
export function recordsOf(firstId: number, count: number, receivedAt: number): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    hash: hashOf(firstId + index),
    receivedAt,
    partition: (firstId + index) % 3,
    offset: firstId + index,
  }));
}

export const day = 86_400_000;
export const start = 20_000 * day;

export function optionsIn(directory: string, changes: Partial<DedupeIndexOptions> = {}): DedupeIndexOptions {
  return {
    directory,
    files: nodeFileSystem,
    crashPoints: noCrashPoints,
    windowMs: 7 * day,
    memoryBytes: 8 * 1024 * 1024,
    bucketMs: day,
    ...changes,
  };
}

export async function inTemporaryDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dedupe-'));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

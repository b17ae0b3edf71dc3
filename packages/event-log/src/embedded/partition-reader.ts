import type { FileSystem, OpenFile } from '@clicklake/durable-files';
import type { OffsetRange, RecordBatch } from '../event-log.ts';
import type { FetchMemory } from '../fetch-memory.ts';
import type { DurableEnd } from './durable-ends.ts';
import { frameBytes, nextOffset } from './frame.ts';
import { batchOf, bodyIsIntact, recordIsIntact, type LoadedFrame } from './frame-records.ts';
import { frameSource } from './frame-source.ts';
import { walkFrames, type WalkStart } from './frame-walk.ts';
import { without } from './offset-ranges.ts';
import { segmentIndex, type SegmentIndex } from './segment-index.ts';
import { listSegments, segmentPath } from './segment-files.ts';

/** What a partition holds, in offset order: readable records, and ranges that cannot be read. */
export type Piece =
  | { readonly kind: 'batch'; readonly batch: RecordBatch }
  | { readonly kind: 'corrupt'; readonly range: OffsetRange };

export interface ReadPlan {
  readonly from: bigint;
  readonly end: DurableEnd;
  /** Given up: neither read nor reported. */
  readonly skipped: readonly OffsetRange[];
  /** How much one read of the file fetches. */
  readonly windowBytes: number;
  /** What the pieces lie in; none: memory of their own. */
  readonly memory?: FetchMemory | undefined;
}

export interface PartitionReader {
  /** @throws `ENOENT` when retention deleted a segment since the plan was made. */
  pieces(plan: ReadPlan): AsyncGenerator<Piece>;
  /** Forgets which segments there are. */
  refresh(): void;
}

const headerWindowBytes = 64 << 10;

export function partitionReader(files: FileSystem, directory: string, prefix: Buffer): PartitionReader {
  const indexes = new Map<bigint, SegmentIndex>();
  let segments: readonly bigint[] = [];

  /** Bases of the segments up to the active one; the directory is listed when that one or the start moved. */
  async function segmentsUpTo(end: DurableEnd): Promise<readonly bigint[]> {
    if (segments.at(-1) !== end.segmentBase || segments[0] !== end.startOffset) {
      segments = (await listSegments(files, directory)).filter((base) => base <= end.segmentBase);
      for (const base of indexes.keys()) if (!segments.includes(base)) indexes.delete(base);
    }
    return segments;
  }

  function indexOf(base: bigint): SegmentIndex {
    const known = indexes.get(base) ?? segmentIndex(base);
    indexes.set(base, known);
    return known;
  }

  async function* segmentPieces(base: bigint, endOffset: bigint, plan: ReadPlan): AsyncGenerator<Piece> {
    const file = await files.open(segmentPath(directory, base), 'read');
    try {
      const limit = base === plan.end.segmentBase ? plan.end.segmentBytes : await file.size();
      const index = indexOf(base);
      const start = await locate(file, index, limit, endOffset, plan.from);
      const source = frameSource(file, prefix, limit, plan.windowBytes, plan.memory);
      for await (const step of walkFrames(source, start, endOffset)) {
        if (step.kind === 'unreadable') {
          yield* corruptPieces(step.range, plan);
          continue;
        }
        const frame = await source.load(step.position, step.header);
        index.note({ position: step.position + frameBytes(step.header), offset: nextOffset(step.header) });
        yield* framePieces(frame, plan);
      }
    } finally {
      await file.close();
    }
  }

  /** The frame that holds an offset, or the last one before a damaged place that hides it. */
  async function locate(
    file: OpenFile,
    index: SegmentIndex,
    limit: number,
    endOffset: bigint,
    from: bigint,
  ): Promise<WalkStart> {
    let start = index.nearest(from);
    if (start.offset === from) return start;
    const source = frameSource(file, prefix, limit, headerWindowBytes);
    for await (const step of walkFrames(source, start, endOffset)) {
      if (step.kind === 'unreadable') {
        if (step.range.to > from) break;
        continue;
      }
      start = { position: step.position, offset: step.header.baseOffset };
      index.note(start);
      if (nextOffset(step.header) > from) break;
    }
    return start;
  }

  return {
    async *pieces(plan) {
      const bases = await segmentsUpTo(plan.end);
      for (const [index, base] of bases.entries()) {
        const endOffset = bases[index + 1] ?? plan.end.endOffset;
        if (endOffset > plan.from) yield* segmentPieces(base, endOffset, plan);
      }
    },
    refresh() {
      segments = [];
    },
  };
}

function* framePieces(frame: LoadedFrame, plan: ReadPlan): Generator<Piece> {
  const { baseOffset, count } = frame.header;
  if (bodyIsIntact(frame)) {
    yield* batchPieces(frame, 0, count, true, plan);
    return;
  }
  let first = 0;
  while (first < count) {
    const intact = recordIsIntact(frame, first);
    let end = first + 1;
    while (end < count && recordIsIntact(frame, end) === intact) end += 1;
    if (intact) yield* batchPieces(frame, first, end, false, plan);
    else yield* corruptPieces({ from: baseOffset + BigInt(first), to: baseOffset + BigInt(end) }, plan);
    first = end;
  }
}

function* batchPieces(
  frame: LoadedFrame,
  first: number,
  end: number,
  linesAreIntact: boolean,
  plan: ReadPlan,
): Generator<Piece> {
  const { baseOffset } = frame.header;
  const range = { from: baseOffset + BigInt(first), to: baseOffset + BigInt(end) };
  for (const { from, to } of wanted(range, plan)) {
    const batch = batchOf(frame, Number(from - baseOffset), Number(to - baseOffset), linesAreIntact);
    yield { kind: 'batch', batch };
  }
}

function* corruptPieces(range: OffsetRange, plan: ReadPlan): Generator<Piece> {
  for (const each of wanted(range, plan)) yield { kind: 'corrupt', range: each };
}

function wanted(range: OffsetRange, { from, skipped }: ReadPlan): readonly OffsetRange[] {
  if (range.to <= from) return [];
  const rest = range.from < from ? { from, to: range.to } : range;
  return skipped.length === 0 ? [rest] : without(rest, skipped);
}

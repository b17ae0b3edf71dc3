import { compareRows } from './batch-order.ts';
import { validateBatch, type DedupeBatch, type Verdicts } from './dedupe-batch.ts';
import { DedupeError, isCorruptState } from './dedupe-error.ts';
import type {
  DedupeIndex,
  DedupeIndexOptions,
  DedupeState,
  FoundEntry,
  OpenedDedupeIndex,
} from './dedupe-index.ts';
import { createSortBuffers, hashRanges, sortPlaced } from './entry-sort.ts';
import { judgeByMemtable, judgeWithinBatch, startJudgement, type Judgement } from './judgement.ts';
import { leastMemoryBytes, planMemory, runMemoryBytes } from './memory-plan.ts';
import { clearMemtable, createMemtable, filterMemtable, insertRow } from './memtable.ts';
import { createMerger } from './merger.ts';
import { offsetOf, partitionOf } from './packed-entry.ts';
import { boundBy, discardManifest, reopen } from './reopen.ts';
import { writeMemtable } from './run-flush.ts';
import { bytesPerEntry } from './run-format.ts';
import { judgeByRun } from './run-lookup.ts';
import { createRunSet } from './run-set.ts';

/** A save writes once a quarter of the memtable has come together, or after 5 minutes: what a restart rolls forward. */
const saveShare = 1 / 4;
const saveIntervalMs = 5 * 60_000;
/** With more runs than this, new entries wait for the merge: each run costs two open files. */
const mostRuns = 96;

/**
 * Opens the index in its directory, which belongs to it alone (S3.4: the lake's lease protects it).
 *
 * @throws RangeError for options out of range; otherwise only Node's own errors of files.
 */
export async function openDedupeIndex(options: DedupeIndexOptions): Promise<OpenedDedupeIndex> {
  const { directory, files, crashPoints, windowMs, memoryBytes, bucketMs } = options;
  if (memoryBytes < leastMemoryBytes)
    throw new RangeError(`memoryBytes must be at least ${leastMemoryBytes}`);
  if (!(bucketMs >= 1 && bucketMs < 2 ** 32)) throw new RangeError('bucketMs must be between 1 and 2^32 - 1');

  await files.makeDirectory(directory);
  const reopened = await reopen(files, directory, windowMs);
  const plan = planMemory(memoryBytes);
  const runSetOptions = { files, directory, windowMs, memoryBytes: plan.runBytes };
  const set = await createRunSet(runSetOptions, reopened.runs, reopened.state);
  const memtable = createMemtable(plan.memtableEntries);
  const buffers = createSortBuffers(plan.memtableEntries);
  const costs = { falsePositives: 0, reads: 0 };
  let savedAt = performance.now();
  let spilled = false;
  let broken: unknown;
  let closed = false;

  let last: Promise<unknown> = Promise.resolve();
  /** One at a time, in the order of the calls. */
  const exclusive = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
  const guarded = <T>(work: () => Promise<T>): Promise<T> =>
    exclusive(async () => {
      if (closed) throw closedError();
      if (broken !== undefined) throw broken as Error;
      try {
        return await work();
      } catch (error) {
        if (isCorruptState(error)) await markBroken(error);
        throw error;
      }
    });
  const markBroken = async (error: unknown): Promise<void> => {
    broken = error;
    set.forgetState();
    await discardManifest(files, directory);
  };
  const merger = createMerger({ files, directory, crashPoints, set, guarded });

  merger.start();

  const spill = async (): Promise<void> => {
    const written = await writeMemtable(files, directory, memtable, bucketMs, buffers);
    clearMemtable(memtable);
    await set.change([], written);
    spilled = true;
  };
  const remember = async (batch: DedupeBatch, leaveOut: Uint8Array | undefined): Promise<void> => {
    for (let row = 0; row < batch.count; row += 1) {
      if (leaveOut?.[row] === 1) continue;
      if (memtable.size === memtable.capacity) await spill();
      insertRow(memtable, batch, row);
    }
    merger.start();
  };
  const judge = async (batch: DedupeBatch): Promise<Verdicts> => (await judgement(batch, windowMs)).verdicts;
  const judgement = async (batch: DedupeBatch, reachMs: number): Promise<Judgement> => {
    const judgement = startJudgement(batch, reachMs);
    const { earliest, latest } = receivedRange(batch);
    const reachable = set.runs.filter(
      ({ description }) =>
        description.maxReceivedAt >= earliest - reachMs && description.minReceivedAt <= latest + reachMs,
    );
    for (const placed of hashRanges(batch, buffers)) {
      judgeByMemtable(judgement, placed.buffers.order, placed.count, memtable);
      const sorted = sortPlaced(placed.buffers, placed.count, (a, b) => compareRows(batch, a, b));
      for (const run of reachable) await judgeByRun(judgement, sorted, run, placed.buffers, costs);
      judgeWithinBatch(judgement, sorted);
    }
    return judgement;
  };
  /** As `check` of a row that no record is: the earliest entry received at or after `from`. */
  const findFrom = async (hash: Uint32Array, from: number): Promise<FoundEntry | undefined> => {
    const { verdicts, firstReceivedAt } = await judgement(probeOf(hash, from + probeReachMs), probeReachMs);
    if (verdicts.duplicate[0] !== 1) return undefined;
    return {
      partition: verdicts.first.partition[0] ?? 0,
      offset: verdicts.first.offset[0] ?? 0,
      receivedAt: firstReceivedAt[0] ?? 0,
    };
  };
  const worthSaving = (): boolean =>
    set.saved === undefined ||
    spilled ||
    memtable.size >= saveShare * memtable.capacity ||
    performance.now() - savedAt >= saveIntervalMs;

  const index: DedupeIndex = {
    async check(batch) {
      validateBatch(batch);
      if (set.runs.length > mostRuns) await merger.idle();
      return guarded(async () => {
        const verdicts = await judge(batch);
        await remember(batch, verdicts.duplicate);
        return verdicts;
      });
    },
    find: (hash) =>
      guarded(async () => {
        const entries: FoundEntry[] = [];
        for (let from = 0; ;) {
          const entry = await findFrom(hash, from);
          if (entry === undefined) return entries;
          entries.push(entry);
          // Two events of one id are never received in the same millisecond: the second is a duplicate (S3.1).
          from = entry.receivedAt + 1;
        }
      }),
    async load(batch) {
      validateBatch(batch);
      if (set.runs.length > mostRuns) await merger.idle();
      await guarded(() => remember(batch, undefined));
    },
    save: (state, saveOptions) =>
      guarded(async (): Promise<DedupeState> => {
        if (set.saved !== undefined && saveOptions?.force !== true && !worthSaving()) return set.saved;
        crashPoints.reach('dedupe-before-save');
        await spill();
        crashPoints.reach('dedupe-run-written');
        await set.commit(state);
        spilled = false;
        savedAt = performance.now();
        crashPoints.reach('dedupe-after-save');
        merger.start();
        return state;
      }),
    begin: (covered) =>
      guarded(async () => {
        const bound = boundBy(covered);
        filterMemtable(memtable, (at) => {
          const high = memtable.entries[at + 6] ?? 0;
          return offsetOf(high, memtable.entries[at + 7] ?? 0) < (bound[partitionOf(high)] ?? 0);
        });
        for (const run of set.runs) run.liveBelow = lowerBound(run.liveBelow, bound);
        // What died here may be judged and committed anew: a restart has to load it from Silver then.
        await set.recommit(({ silverVersion, covered: saved }) => ({
          silverVersion,
          covered: saved.map((offset, partition) => least(offset, covered[partition] ?? 0n)),
        }));
      }),
    expire: (before) =>
      guarded(async () => {
        const expired = set.runs.filter((run) => run.description.maxReceivedAt < before);
        if (expired.length === 0) return;
        await set.change(expired, []);
        await set.recommit();
      }),
    clear: () =>
      exclusive(async () => {
        if (closed) throw closedError();
        set.forgetState();
        await discardManifest(files, directory);
        clearMemtable(memtable);
        broken = undefined;
        spilled = false;
        await set.change(set.runs, []);
        await set.recommit();
      }),
    settled: () => merger.idle(),
    stats: () => {
      const entries = set.runs.reduce((sum, run) => sum + run.description.entries, 0);
      const filterBytes = set.runs.reduce((sum, run) => sum + (run.filter?.words.byteLength ?? 0), 0);
      return {
        entries: entries + memtable.size,
        memoryBytes: plan.fixedBytes + runMemoryBytes(set.runs),
        diskBytes: entries * bytesPerEntry,
        runs: set.runs.length,
        filterBitsPerKey: entries === 0 ? 0 : (8 * filterBytes) / entries,
        bloomFalsePositives: costs.falsePositives,
        diskProbes: costs.reads,
        mergeFailure: merger.failure(),
      };
    },
    async close() {
      await merger.stop();
      await exclusive(async () => {
        if (closed) return;
        closed = true;
        await set.closeAll();
      });
    },
  };
  return { index, state: reopened.state };
}

/** Longer than from the epoch to any time that an entry can have. */
const probeReachMs = 2 ** 51;

/** One row with a hash and with coordinates that no record has. */
function probeOf(hash: Uint32Array, receivedAt: number): DedupeBatch {
  return {
    count: 1,
    hashes: hash,
    receivedAt: Float64Array.of(receivedAt),
    partitions: Int32Array.of(-1),
    offsets: Float64Array.of(-1),
  };
}

function receivedRange(batch: DedupeBatch): { earliest: number; latest: number } {
  let earliest = Infinity;
  let latest = -Infinity;
  for (let row = 0; row < batch.count; row += 1) {
    const receivedAt = batch.receivedAt[row] ?? 0;
    if (receivedAt < earliest) earliest = receivedAt;
    if (receivedAt > latest) latest = receivedAt;
  }
  return { earliest, latest };
}

/** Dead stays dead: the smaller offset of each partition. */
function lowerBound(old: Float64Array | undefined, next: Float64Array): Float64Array {
  return next.map((offset, partition) =>
    old === undefined ? offset : Math.min(offset, old[partition] ?? 0),
  );
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function closedError(): DedupeError {
  return new DedupeError({
    code: 'dedupe-index-closed',
    message: 'The deduplication index is closed.',
    hint: 'This is a defect of the caller; please report it.',
  });
}

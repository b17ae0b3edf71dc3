/**
 * What the duplicate window costs: `check` of 1 M new ids, in batches of 200,000, with N ids in the window.
 *
 *   node --conditions=source bench/src/dedupe-index.ts [ids in millions, default: 0 10 100]
 *
 * Prints one JSON line per size: seconds to fill, to check new ids and to check repeated ones, and memory.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import {
  dedupeDefaults,
  openDedupeIndex,
  type DedupeBatch,
} from '../../packages/pipeline/src/dedupe/index.ts';

const million = 1_000_000;
const batchRows = 200_000;
const now = 1_750_000_000_000;

const sizes = process.argv.slice(2).map(Number);
for (const millions of sizes.length > 0 ? sizes : [0, 10, 100]) await measure(millions * million);

async function measure(entries: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'dedupe-bench-'));
  const options = { ...dedupeDefaults, directory, files: nodeFileSystem, crashPoints: noCrashPoints };
  try {
    const { index } = await openDedupeIndex(options);
    const residentBefore = process.memoryUsage().rss;
    let peak = residentBefore;
    const watch = (): void => {
      peak = Math.max(peak, process.memoryUsage().rss);
    };
    const fill = await seconds(async () => {
      const first = now - dedupeDefaults.windowMs + 3_600_000;
      for (let at = 0; at < entries; at += batchRows) {
        const received = first + Math.floor((at / Math.max(1, entries)) * (now - first));
        await index.load(batchOf(at, Math.min(batchRows, entries - at), received));
        watch();
      }
      await index.save({ silverVersion: 1, covered: [BigInt(entries)] }, { force: true });
    });
    await index.close();

    const reopenedAt = performance.now();
    const { index: reopened } = await openDedupeIndex(options);
    const open = (performance.now() - reopenedAt) / 1000;
    const settle = await seconds(() => reopened.settled());
    watch();
    const fresh: DedupeBatch[] = [];
    for (let at = 0; at < million; at += batchRows) fresh.push(batchOf(entries + at, batchRows, now));
    const checks: number[] = [];
    const cpuBefore = process.cpuUsage();
    for (const batch of fresh) {
      checks.push(await seconds(() => reopened.check(batch)));
      watch();
    }
    const cpu = process.cpuUsage(cpuBefore);
    const repeats = await seconds(async () => {
      for (const batch of fresh) await reopened.check(repeated(batch));
    });
    watch();
    const stats = reopened.stats();
    await reopened.close();
    console.log(
      JSON.stringify({
        idsBefore: entries,
        fillSeconds: round(fill),
        openSeconds: round(open),
        settleSeconds: round(settle),
        checkNewMillionSeconds: round(checks.reduce((sum, check) => sum + check, 0)),
        checkCpuSeconds: round((cpu.user + cpu.system) / million),
        batches: checks.map(round),
        checkRepeatedMillionSeconds: round(repeats),
        residentDeltaMb: Math.round((peak - residentBefore) / million),
        memoryMb: round(stats.memoryBytes / million),
        ...stats,
      }),
    );
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Ids `from` onwards: a hash that is uniform and needs no SHA-256. */
function batchOf(from: number, count: number, receivedAt: number): DedupeBatch {
  const batch = {
    count,
    hashes: new Uint32Array(4 * count),
    receivedAt: new Float64Array(count).fill(receivedAt),
    partitions: new Int32Array(count),
    offsets: new Float64Array(count),
  };
  for (let row = 0; row < count; row += 1) {
    for (let word = 0; word < 4; word += 1) batch.hashes[4 * row + word] = mixed(from + row, word);
    batch.offsets[row] = from + row;
  }
  return batch;
}

function repeated(batch: DedupeBatch): DedupeBatch {
  return { ...batch, offsets: batch.offsets.map((offset) => offset + 2 ** 40) };
}

function mixed(id: number, word: number): number {
  let bits = Math.imul(id + 1, 0x9e3779b1) ^ Math.imul(word + 1, 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

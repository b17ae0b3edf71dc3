import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deltaSchemaString, silverPartitionColumns } from '@clicklake/contract';
import {
  createTable,
  memoryStore,
  parseSchema,
  type AddFile,
  type DeltaTable,
  type ObjectStore,
  type PartitionValues,
} from '@clicklake/delta-lake';
import { defaultMaintenanceSettings } from '@clicklake/pipeline';
import { DuckDBInstance } from '@duckdb/node-api';
// Deep imports: the policy and the properties that the running product uses, not a copy of them.
import { silverProperties } from '../../../packages/pipeline/src/lake/lake-tables.ts';
import { planUpkeep } from '../../../packages/pipeline/src/maintenance/plan-compaction.ts';
import { rounded, type Benchmark } from '../benchmark.ts';

const barBytes = 1e9;
const commitsPerDay = 8640;
const rowsPerCommit = 10_000;
/** Of Parquet, as the simulator's events compress (docs/benchmarks.md). */
const bytesPerRow = 64;
const dayMs = 86_400_000;

export const yearLogBenchmark: Benchmark = {
  name: 'year-log',
  description: '_delta_log after a simulated year at a commit every 10 s and 1,000 events/s (bar: ≤ 1 GB)',
  async run({ short, say }) {
    // The log keeps seven days: what came before is only there as live files.
    const daysPlayed = short ? 1 : 8;
    const duckdb = await DuckDBInstance.create(':memory:');
    let now = Date.UTC(2026, 0, 1);
    // In memory, since the log's clean-up goes by the store's times, which here are the simulated ones.
    const store = memoryStore(() => now);
    const table = await createTable(
      store,
      {
        schema: parseSchema(deltaSchemaString),
        partitionColumns: silverPartitionColumns,
        configuration: silverProperties,
      },
      { duckdb, clock: () => now },
    );
    let rows = 0;
    const add = (bytes: number, day: string, count: number): AddFile => {
      rows += count;
      return fileOf(bytes, day, now, rows, count);
    };
    const perDay = commitsPerDay * rowsPerCommit * bytesPerRow;
    const filesPerDay = Math.ceil(perDay / defaultMaintenanceSettings.targetFileBytes) + 5;
    for (let day = 0; day < 365 - daysPlayed; day += 1) {
      const adds = Array.from({ length: filesPerDay }, () =>
        add(perDay / filesPerDay, dayOf(now), 1_000_000),
      );
      await table.commit({ operation: 'WRITE', adds });
      now += dayMs;
    }
    const rewritten = { bytes: 0 };
    for (let commit = 1; commit <= daysPlayed * commitsPerDay; commit += 1) {
      now += dayMs / commitsPerDay;
      await table.commit({
        operation: 'STREAMING UPDATE',
        operationParameters: { outputMode: 'Append' },
        operationMetrics: { numAddedFiles: 1, numRemovedFiles: 0 },
        adds: [add(rowsPerCommit * bytesPerRow, dayOf(now), rowsPerCommit)],
        transactions: [0, 1, 2].map((partition) => ({
          appId: `clicklake-clickstream-events-${partition}`,
          version: BigInt(commit),
        })),
      });
      if (commit % defaultMaintenanceSettings.commitsBetweenLooks === 0) await upkeep(table, now, rewritten);
      if (commit % commitsPerDay === 0)
        say(`day ${commit / commitsPerDay}: ${rounded((await logObjects(store)).bytes / 1e6, 0)} MB of log`);
    }
    const snapshot = await table.snapshot();
    const { bytes, checkpoints, entries } = await logObjects(store);
    const opened = await openWithDeltalake(store);
    await table.close();
    store.close();
    duckdb.closeSync();
    return {
      name: 'year-log',
      value: rounded(bytes / 1e6, 0),
      bar: barBytes / 1e6,
      pass: bytes <= barBytes,
      detail: {
        unit: 'MB of _delta_log',
        daysPlayed,
        versions: snapshot.version,
        versionsOfAYear: 365 * commitsPerDay,
        liveFiles: snapshot.files.size,
        tombstones: snapshot.tombstones.size,
        entries,
        checkpoints: checkpoints.length,
        checkpointMb: rounded((checkpoints.at(-1) ?? 0) / 1e6, 2),
        rewritesPerByte: rounded(rewritten.bytes / (daysPlayed * perDay), 2),
        deltalakeOpenSeconds: opened,
      },
    };
  },
};

/** What the running product would compact now, entered into the log as if it had been rewritten. */
async function upkeep(table: DeltaTable, now: number, rewritten: { bytes: number }): Promise<void> {
  const snapshot = await table.snapshot();
  for (const { partitions, smallFileBytes } of planUpkeep(snapshot, defaultMaintenanceSettings)) {
    for (const partition of partitions) {
      const files = [...snapshot.files.values()].filter(
        (file) => sameDate(file.partitionValues, partition) && file.size < smallFileBytes,
      );
      for (const bin of packed(files, defaultMaintenanceSettings.targetFileBytes)) {
        const bytes = bin.reduce((sum, file) => sum + file.size, 0);
        rewritten.bytes += bytes;
        await table.commit({
          operation: 'OPTIMIZE',
          adds: [fileOf(bytes, partition.event_date ?? '', now, 0, 1_000_000)],
          removes: bin,
          dataChange: false,
          reads: { kind: 'removed-files' },
          readVersion: snapshot.version,
        });
      }
    }
  }
}

function packed(files: readonly AddFile[], target: number): AddFile[][] {
  const bins: AddFile[][] = [];
  let bin: AddFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (bin.length > 0 && bytes + file.size > target) {
      bins.push(bin);
      bin = [];
      bytes = 0;
    }
    bin.push(file);
    bytes += file.size;
  }
  return [...bins, bin].filter((candidate) => candidate.length > 1);
}

/** An add as ingest's commits have it, with statistics of the same columns, types and lengths. */
function fileOf(bytes: number, day: string, now: number, offset: number, rows: number): AddFile {
  const values = (shift: number, user: string): Record<string, unknown> => ({
    event_type: user,
    user_id: `user_${String((offset * 7919 + shift) % 50_000).padStart(6, '0')}`,
    timestamp: new Date(now - 10_000 + shift).toISOString(),
    received_at: new Date(now - 9_000 + shift).toISOString(),
    log_partition: shift === 0 ? 0 : 2,
    log_offset: offset + shift,
  });
  const minValues = values(0, 'add_to_cart');
  return {
    path: `event_date=${day}/part-${randomUUID()}.parquet`,
    partitionValues: { event_date: day },
    size: Math.round(bytes),
    modificationTime: Math.round(now),
    dataChange: true,
    stats: JSON.stringify({
      numRecords: rows,
      minValues,
      maxValues: values(9_999, 'purchase'),
      nullCount: Object.fromEntries(Object.keys(minValues).map((name) => [name, 0])),
    }),
    tags: null,
  };
}

function sameDate(left: PartitionValues, right: PartitionValues): boolean {
  return left.event_date === right.event_date;
}

function dayOf(now: number): string {
  return new Date(now).toISOString().slice(0, 10);
}

async function logObjects(
  store: ObjectStore,
): Promise<{ readonly bytes: number; readonly entries: number; readonly checkpoints: readonly number[] }> {
  let bytes = 0;
  let entries = 0;
  const checkpoints: number[] = [];
  for await (const { key, size } of store.list('_delta_log/')) {
    bytes += size;
    if (key.endsWith('.parquet')) checkpoints.push(size);
    else if (key.endsWith('.json')) entries += 1;
  }
  return { bytes, entries, checkpoints };
}

/** Seconds that `deltalake` (PyPI) takes to open the newest version and list its files; null without PYTHON. */
async function openWithDeltalake(store: ObjectStore): Promise<number | null> {
  const python = process.env.PYTHON;
  if (python === undefined) return null;
  const root = await mkdtemp(join(tmpdir(), 'clicklake-year-'));
  await mkdir(join(root, '_delta_log'));
  for await (const { key } of store.list('_delta_log/'))
    await writeFile(join(root, key), await store.get(key));
  const program =
    'import sys, time; from deltalake import DeltaTable; t = time.time(); d = DeltaTable(sys.argv[1]); n = len(d.file_uris()); print(time.time() - t)';
  const { stdout } = await promisify(execFile)(python, ['-c', program, root]);
  await rm(root, { recursive: true, force: true });
  return rounded(Number(stdout.trim()), 2);
}

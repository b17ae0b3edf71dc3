import { randomBytes, randomUUID } from 'node:crypto';
import type { DuckDBInstance } from '@duckdb/node-api';
import {
  type AddFile,
  createTable,
  type DeltaTable,
  memoryStore,
  type ObjectStore,
} from '@clicklake/delta-lake';
import { events } from './fixtures.ts';

/** A table as ingest keeps it: small commits, hourly compaction, S4.5's properties. Sizes in bytes. */
export interface Year {
  readonly commitsPerDay: number;
  /** Compacted files that each earlier day has left. */
  readonly filesPerDay: number;
  /** Days already in the table when the simulation begins. */
  readonly daysBefore: number;
  /** Days that are committed one by one: a little more than the log retention shows the steady state. */
  readonly days: number;
  /** Columns with statistics, 64 bytes of noise each: what does not compress. */
  readonly statsColumns: number;
  readonly configuration: Readonly<Record<string, string>>;
}

export interface LogSize {
  readonly entries: number;
  readonly entryBytes: number;
  readonly checkpoints: number;
  readonly checkpointBytes: number;
  readonly files: number;
  readonly tombstones: number;
}

const dayMs = 86_400_000;

/**
 * The log depends on the last retention's commits and on the live files, not on how the year before went: so the
 * year's files are put there at once, and only its end is played through.
 *
 * @returns the size of `_delta_log` after each day.
 */
export async function simulateYear(year: Year, duckdb: DuckDBInstance): Promise<readonly LogSize[]> {
  let now = Date.UTC(2026, 0, 1);
  const store = memoryStore(() => now);
  const table = await createTable(
    store,
    { ...events, configuration: year.configuration },
    { duckdb, clock: () => now },
  );
  await table.commit({
    operation: 'WRITE',
    adds: Array.from({ length: year.daysBefore * year.filesPerDay }, () => fileOf(year, now, 128e6)),
  });
  const sizes: LogSize[] = [];
  for (let day = 0; day < year.days; day += 1) {
    for (let commit = 1; commit <= year.commitsPerDay; commit += 1) {
      now += dayMs / year.commitsPerDay;
      await table.commit({
        operation: 'WRITE',
        adds: [fileOf(year, now, 1e6)],
        transactions: [{ appId: 'ingest', version: BigInt(now) }],
      });
      if (commit % Math.ceil(year.commitsPerDay / 24) === 0)
        await compact(table, year, now, commit === year.commitsPerDay);
    }
    sizes.push(await logSize(store, table));
  }
  await table.close();
  store.close();
  return sizes;
}

async function compact(table: DeltaTable, year: Year, now: number, endOfDay: boolean): Promise<void> {
  const snapshot = await table.snapshot();
  const removes = [...snapshot.files.values()].filter((file) => file.size < 100e6);
  const adds = Array.from({ length: endOfDay ? year.filesPerDay : 1 }, () =>
    fileOf(year, now, endOfDay ? 128e6 : 50e6),
  );
  await table.commit({
    operation: 'OPTIMIZE',
    adds,
    removes,
    dataChange: false,
    reads: { kind: 'removed-files' },
    readVersion: snapshot.version,
  });
}

function fileOf(year: Year, now: number, size: number): AddFile {
  const day = new Date(now).toISOString().slice(0, 10);
  const noise = (): Record<string, string> =>
    Object.fromEntries(
      Array.from({ length: year.statsColumns }, (_, index) => [
        `column_${index}`,
        randomBytes(16).toString('hex'),
      ]),
    );
  const nullCount = Object.fromEntries(
    Array.from({ length: year.statsColumns }, (_, index) => [`column_${index}`, 0]),
  );
  return {
    path: `day=${day}/part-${randomUUID()}.parquet`,
    partitionValues: { day },
    size,
    modificationTime: now,
    dataChange: true,
    stats: JSON.stringify({ numRecords: 10_000, minValues: noise(), maxValues: noise(), nullCount }),
    tags: null,
  };
}

async function logSize(store: ObjectStore, table: DeltaTable): Promise<LogSize> {
  let entries = 0;
  let entryBytes = 0;
  let checkpoints = 0;
  let checkpointBytes = 0;
  for await (const { key, size } of store.list('_delta_log/')) {
    if (key.endsWith('.json')) {
      entries += 1;
      entryBytes += size;
    } else if (key.endsWith('.parquet')) {
      checkpoints += 1;
      checkpointBytes += size;
    }
  }
  const snapshot = await table.snapshot();
  return {
    entries,
    entryBytes,
    checkpoints,
    checkpointBytes,
    files: snapshot.files.size,
    tombstones: snapshot.tombstones.size,
  };
}

// Run by itself, it plays the real year: one commit every 10 s, 1,000 events/s, 128 MB files.
if (process.argv[1] === import.meta.filename) {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const configuration = {
    'delta.checkpointInterval': '360',
    'delta.logRetentionDuration': 'interval 7 days',
    'delta.deletedFileRetentionDuration': 'interval 2 days',
  };
  const statsColumns = Number(process.argv[2] ?? 8);
  const filesPerDay = Number(process.argv[3] ?? 68);
  const year = {
    commitsPerDay: 8640,
    filesPerDay,
    daysBefore: 357,
    days: Number(process.argv[4] ?? 8),
    statsColumns,
    configuration,
  };
  for (const size of await simulateYear(year, await DuckDBInstance.create(':memory:')))
    console.log(JSON.stringify(size));
}

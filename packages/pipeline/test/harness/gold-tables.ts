import { localStore } from '@clicklake/delta-lake';
import { noCrashPoints, nodeFileSystem } from '@clicklake/durable-files';
import type { DuckDBInstance } from '@duckdb/node-api';
import { openGoldTables, type GoldTables } from '../../src/lake/gold-tables.ts';
import type { TestLake } from './test-lake.ts';

/** A lake's Gold tables, beside whoever owns it. */
export function goldTablesOf({ paths }: TestLake, duckdb: DuckDBInstance): GoldTables {
  return openGoldTables({
    directory: paths.gold,
    files: nodeFileSystem,
    openStore: localStore,
    duckdb,
    crashPoints: noCrashPoints,
    clock: Date.now,
  });
}

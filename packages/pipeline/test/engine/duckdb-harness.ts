import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { column, createTable, localStore, quoteLiteral, structOf } from '@clicklake/delta-lake';
import { nodeFileSystem, noCrashPoints } from '@clicklake/durable-files';
import { createDuckdbEngine, type Engine } from '@clicklake/pipeline';
import { DuckDBInstance } from '@duckdb/node-api';
import { sourceName, type EngineHarness } from './engine-harness.ts';

export interface DuckdbHarness extends EngineHarness {
  readonly directory: string;
}

/** The DuckDB engine over tables in a temporary directory. */
export async function createDuckdbHarness({ memoryLimitMb = 64 } = {}): Promise<DuckdbHarness> {
  const directory = await mkdtemp(join(tmpdir(), 'engine-'));
  const duckdb = await DuckDBInstance.create(':memory:');
  const source = join(directory, 'source');
  let later = 0;
  const table = await createTable(
    localStore(source, nodeFileSystem),
    { schema: structOf(column('id', 'long'), column('day', 'date')), partitionColumns: ['day'] },
    { duckdb, clock: () => Date.now() + later },
  );
  let engines = 0;
  const open = (): Engine =>
    createDuckdbEngine({
      files: nodeFileSystem,
      openStore: localStore,
      crashPoints: noCrashPoints,
      clock: Date.now,
      sources: { [sourceName]: source },
      directory: join(directory, 'gold'),
      scratch: join(directory, `scratch-${(engines += 1)}`),
      memoryLimitMb,
      threads: 1,
    });
  const engine = open();
  const rowsOf = (day: string, ids: readonly number[]): string =>
    `SELECT unnest([${ids.join(', ')}]::BIGINT[]) AS id, CAST(${quoteLiteral(day)} AS DATE) AS day`;
  return {
    directory,
    engine,
    another: open,
    appendToSource: async (day, ids) => {
      await table.append(rowsOf(day, ids));
    },
    replaceInSource: async (day, ids) => {
      await table.replaceWhere([{ day }], rowsOf(day, ids));
    },
    compactSource: async () => {
      await table.optimize();
    },
    async forgetSourceHistory() {
      later = 400 * 86_400_000;
      // The checkpoint's own entry stays: one that changes no rows.
      await table.setProperties({ 'delta.checkpointInterval': '50' });
      await table.checkpoint();
      await table.cleanUpLog();
    },
    async dispose() {
      await engine.close();
      await table.close();
      duckdb.closeSync();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
